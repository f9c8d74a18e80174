// A page that fails says so and offers a reload; the call goes on without it.
import { Button } from 'antd';
import { Component, type ReactNode } from 'react';

import { useSpeech } from '../i18n/context';

export class Crash extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <Failed /> : this.props.children;
  }
}

function Failed() {
  const { t } = useSpeech();
  return (
    <div className="crash" role="alert">
      <p>{t('app.crashed')}</p>
      <Button type="primary" onClick={() => location.reload()}>
        {t('app.reload')}
      </Button>
    </div>
  );
}

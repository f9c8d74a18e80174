// What a supervisor does, step by step: what to choose from, then what will be done to whom, then done
// or, in the same place, why not. Of fixed size; nothing moves while it is open.
import { Button } from 'antd';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

import { markText } from '../../components/StateMark';
import { Timer } from '../../components/Timer';
import { useSpeech } from '../../i18n/context';
import { agentsByUse } from '../../state/board';
import { useDesk, useSession } from '../../state/context';
import { useNames } from '../../state/names';
import { callerOf, choicesOf, isTyped, type Choice, type Floor, type Menu, type Order } from '../../state/steer';
import { useCallbacks } from './useCallbacks';

/** What was chosen so far: lists, and at the end an order. */
type Step = Menu | Order;

const isOrder = (step: Step): step is Order => 'type' in step;

export function Steer({ menu, onClose }: { menu: Menu; onClose(): void }) {
  const { t } = useSpeech();
  const [steps, setSteps] = useState<readonly Step[]>([menu]);
  const step = steps.at(-1) ?? menu;
  const lists = steps.filter((one) => !isOrder(one));
  const back = (): void => (steps.length > 1 ? setSteps(steps.slice(0, -1)) : onClose());
  const Chooser = menu.of === 'callbacks' ? CallbackChoices : Choices;
  return (
    <div className="picker-back" onMouseDown={onClose}>
      <div
        className="picker steer card"
        role="dialog"
        aria-modal="true"
        aria-label={t('steer.title')}
        data-testid="steer"
        onMouseDown={(event) => event.stopPropagation()}
      >
        <header>
          <Subject menu={lists.at(-1) as Menu} />
        </header>
        {isOrder(step) ? (
          <Confirm order={step} onBack={back} onDone={onClose} />
        ) : (
          <Chooser key={steps.length} menu={step} onChoose={(next) => setSteps([...steps, next])} onBack={back} />
        )}
      </div>
    </div>
  );
}

/** Whom it is about, as they are now. */
function Subject({ menu }: { menu: Menu }): ReactNode {
  const speech = useSpeech();
  const names = useNames();
  const agents = useDesk((state) => state.agents);
  switch (menu.of) {
    case 'call':
    case 'move':
    case 'assign':
      return (
        <>
          <h2>{callerOf(menu.call, { speech, names })}</h2>
          <span className="count">
            {speech.t('steer.waited')} <Timer since={menu.call.since} /> · {menu.call.id}
          </span>
        </>
      );
    case 'agent': {
      const agent = agents[menu.id];
      return (
        <>
          <h2>
            {speech.t('board.agent')} {menu.id}
          </h2>
          <span className="count">{agent && markText(agent, speech)}</span>
        </>
      );
    }
    case 'asks':
      return <h2>{speech.t('board.asks')}</h2>;
    case 'callbacks':
      return <h2>{speech.t('board.callbacks')}</h2>;
  }
}

interface Chooser {
  menu: Menu;
  onChoose(next: Step): void;
  onBack(): void;
}

function CallbackChoices(props: Chooser) {
  const { list, phase } = useCallbacks();
  const { t, name } = useSpeech();
  const told = { loading: t('steer.loading'), failed: name('error', 'unavailable'), here: '' }[phase];
  return <Choices {...props} callbacks={list} told={told} />;
}

const NONE: Floor['callbacks'] = [];

function Choices({ menu, onChoose, onBack, callbacks = NONE, told = '' }: Chooser & { callbacks?: Floor['callbacks']; told?: string }) {
  const speech = useSpeech();
  const names = useNames();
  const { store } = useSession();
  const agents = useDesk((state) => state.agents);
  const queues = useDesk((state) => state.queues);
  const [order] = useState(() => agentsByUse(store.snapshot().agents));
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const narrows = isTyped(menu);
  const choices = choicesOf(menu, typed, { state: { agents, queues }, order, callbacks, speech, names });
  const at = Math.max(0, choices.findIndex(({ key }) => key === chosen));
  useEffect(() => {
    (field.current ?? list.current)?.focus();
  }, []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const take = (choice: Choice | undefined): void => {
    if (choice?.can) onChoose(choice.then);
  };
  const press = (event: KeyboardEvent): void => {
    const to = (nth: number) => () => setChosen(choices[nth]?.key ?? null);
    const keys: Record<string, () => void> = {
      ArrowDown: to(Math.min(at + 1, choices.length - 1)),
      ArrowUp: to(Math.max(at - 1, 0)),
      Enter: () => take(choices[at]),
      Escape: onBack,
    };
    const digit = narrows ? null : /^[1-9]$/.exec(event.key);
    const known = digit ? () => take(choices[Number(digit[0]) - 1]) : keys[event.key];
    if (!known || event.nativeEvent.isComposing) return;
    event.preventDefault();
    known();
  };
  return (
    <div className="steer-body" onKeyDown={press}>
      {narrows && (
        <input
          ref={field}
          value={typed}
          placeholder={speech.t('move.find')}
          aria-label={speech.t('move.find')}
          data-testid="steer-field"
          autoComplete="off"
          onChange={(event) => {
            setTyped(event.target.value);
            setChosen(null);
          }}
        />
      )}
      <ul ref={list} role="listbox" className="scroll" tabIndex={-1}>
        {choices.map((choice, nth) => (
          <li
            key={choice.key}
            role="option"
            aria-selected={nth === at}
            aria-disabled={!choice.can}
            data-testid={`steer-${choice.key}`}
            onMouseEnter={() => setChosen(choice.key)}
            onClick={() => take(choice)}
          >
            <b>
              {!narrows && nth < 9 && <kbd>{nth + 1}</kbd>} {choice.title}
            </b>
            <span className={choice.can ? 'can' : ''}>{choice.about}</span>
          </li>
        ))}
      </ul>
      <p className="picker-foot">
        {told || (choices.length === 0 ? speech.t('steer.nobody') : speech.t(narrows ? 'steer.keys_typed' : 'steer.keys'))}
      </p>
    </div>
  );
}

/** What will be done, to whom; and in the same place why it was not. */
function Confirm({ order, onBack, onDone }: { order: Order; onBack(): void; onDone(): void }) {
  const { t, name } = useSpeech();
  const session = useSession();
  const [sending, setSending] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  const give = async (): Promise<void> => {
    if (sending) return;
    setSending(true);
    setRefused(null);
    const code = await session.steer(order);
    setSending(false);
    if (code === null) onDone();
    else setRefused(code);
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    event.preventDefault();
    if (event.repeat) return;
    if (event.key === 'Enter') void give();
    else onBack();
  };
  const why = refused === null ? '' : name('error', refused);
  return (
    <div ref={box} className="steer-body steer-confirm" tabIndex={-1} onKeyDown={press} data-testid="steer-confirm">
      <p className="steer-said">{order.said}</p>
      <p className="steer-told" role="alert" data-testid="steer-told">
        {sending ? t('steer.sent') : why === refused ? t('error.other', { code: why }) : why}
      </p>
      <div className="steer-buttons">
        <Button type="primary" disabled={sending} onClick={() => void give()} data-testid="steer-do">
          <span>{t('steer.confirm')}</span>
          <kbd>Enter</kbd>
        </Button>
        <Button disabled={sending} onClick={onBack}>
          <span>{t('steer.back')}</span>
          <kbd>Esc</kbd>
        </Button>
      </div>
    </div>
  );
}

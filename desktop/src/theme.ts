// The look of Ant Design's parts; the colours are those of styles/base.css.
import type { ThemeConfig } from 'antd';

export const THEME: ThemeConfig = {
  token: {
    colorPrimary: '#0b5cad',
    colorText: '#14202b',
    colorTextSecondary: '#4a5a69',
    colorBorder: '#b9c4ce',
    colorError: '#b3261e',
    borderRadius: 4,
    fontSize: 14,
    controlHeight: 32,
    motion: false,
    fontFamily:
      '"PingFang SC","Microsoft YaHei UI","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",system-ui,sans-serif',
  },
};

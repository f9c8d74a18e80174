// The application's beginning.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App';
import './styles/base.css';
import './styles/shell.css';
import './styles/agent.css';
import './styles/move.css';
import './styles/board.css';
import './styles/records.css';
import './styles/trace.css';
import './styles/queue.css';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}

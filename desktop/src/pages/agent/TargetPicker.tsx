// To whom? Typed, chosen by arrow keys, confirmed by Enter: colleagues who are free first, queues, a number.
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';

import type { ColleagueData, LineData, TargetsData } from '../../api/wire';
import { useSpeech, type Speech } from '../../i18n/context';
import { useDesk, useSession } from '../../state/context';
import { useNames, type Names } from '../../state/names';

export type Move = 'transfer' | 'consult';

/** How often colleagues and queues are asked for while the list is open. */
const REFRESH_MS = 2_000;
/** What can be dialled. */
const NUMBER = /^\+?[0-9*#]{3,20}$/;
/** What people write between the digits of a number (RFC 3966 §5.1.1). */
const SEPARATORS = /[\s().-]/g;

/** The number that was typed or pasted, as it is dialled; null if it is none. */
export function numberIn(typed: string): string | null {
  const digits = typed.replace(SEPARATORS, '');
  return NUMBER.test(digits) ? digits : null;
}

/** One line of the list. */
export interface Choice {
  key: string;
  title: string;
  about: string;
  target: Record<string, string>;
  can: boolean;
}

/** What can be chosen for `typed`: free colleagues, queues, the number, the others. */
export function choicesOf(typed: string, targets: TargetsData | null, speech: Speech, names: Names): Choice[] {
  const wanted = typed.trim().toLowerCase();
  const colleague = (one: ColleagueData): Choice => ({
    key: `agent-${one.agent_id}`,
    title: one.agent_id,
    about: one.available ? speech.t('move.free') : stateOf(one, speech),
    target: { agent_id: one.agent_id },
    can: one.available,
  });
  const line = (one: LineData): Choice => ({
    key: `queue-${one.queue}`,
    title: names.queue(one.queue),
    about: speech.t('move.waiting', { count: one.waiting, idle: one.idle }),
    target: { queue: one.queue },
    can: true,
  });
  const agents = (targets?.agents ?? []).filter(({ agent_id }) => agent_id.toLowerCase().includes(wanted));
  const matches = ({ queue }: LineData): boolean =>
    queue.toLowerCase().includes(wanted) || names.queue(queue).toLowerCase().includes(wanted);
  const queues = (targets?.queues ?? []).filter(matches);
  const isColleague = agents.some(({ agent_id }) => agent_id === typed.trim());
  const dialled = isColleague ? null : numberIn(typed);
  const number: Choice[] = dialled
    ? [{ key: 'number', title: dialled, about: speech.t('move.number'), target: { number: dialled }, can: true }]
    : [];
  const free = agents.filter(({ available }) => available).map(colleague);
  const others = agents.filter(({ available }) => !available).map(colleague);
  return [...free, ...queues.map(line), ...number, ...others];
}

function stateOf({ status, state, reason }: ColleagueData, speech: Speech): string {
  if (state !== 'idle') return speech.name('state', state);
  return status === 'not_ready' && reason ? speech.name('reason', reason) : speech.name('status', status);
}

interface Props {
  move: Move;
  onPick(target: Record<string, string>): void;
  onClose(): void;
}

export function TargetPicker({ move, onPick, onClose }: Props) {
  const session = useSession();
  const speech = useSpeech();
  const names = useNames();
  const targets = useDesk((state) => state.targets);
  const [typed, setTyped] = useState('');
  const [nth, setNth] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    field.current?.focus();
  }, []);
  // Digits narrow the list at the server, which may know more than it tells at once; a queue's name
  // is only known here.
  const search = /^\d{1,6}$/.test(typed) ? typed : '';
  useEffect(() => {
    session.listTargets(search);
    const timer = setInterval(() => session.listTargets(search), REFRESH_MS);
    return () => clearInterval(timer);
  }, [session, search]);
  const choices = choicesOf(typed, targets, speech, names);
  const at = Math.min(nth, Math.max(0, choices.length - 1));
  // In braces: newer browsers return a promise here, which is no way to clean up.
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const pick = (choice: Choice | undefined): void => {
    if (choice?.can) onPick(choice.target);
  };
  const press = (event: KeyboardEvent): void => {
    const keys: Record<string, () => void> = {
      ArrowDown: () => setNth(Math.min(at + 1, choices.length - 1)),
      ArrowUp: () => setNth(Math.max(at - 1, 0)),
      Enter: () => pick(choices[at]),
      Escape: onClose,
    };
    const known = keys[event.key];
    if (!known || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    known();
  };
  return (
    <div className="picker-back" onMouseDown={onClose}>
      <div
        className="picker card"
        role="dialog"
        aria-modal="true"
        aria-label={speech.t(`bar.${move}`)}
        data-testid="picker"
        onKeyDown={press}
        onMouseDown={(event) => event.stopPropagation()}
      >
        <header>
          <h2>{speech.t(`bar.${move}`)}</h2>
          <span className="count">{speech.t('move.keys')}</span>
        </header>
        <input
          ref={field}
          value={typed}
          placeholder={speech.t('move.find')}
          aria-label={speech.t('move.find')}
          data-testid="picker-field"
          autoComplete="off"
          onChange={(event) => {
            setTyped(event.target.value);
            setNth(0);
          }}
        />
        <ul ref={list} role="listbox" className="scroll">
          {choices.map((choice, place) => (
            <li
              key={choice.key}
              role="option"
              aria-selected={place === at}
              aria-disabled={!choice.can}
              data-testid={choice.key}
              onMouseEnter={() => setNth(place)}
              onClick={() => pick(choice)}
            >
              <b>{choice.title}</b>
              <span className={choice.can ? 'can' : ''}>{choice.about}</span>
            </li>
          ))}
        </ul>
        <p className="picker-foot">
          {choices.length === 0 ? speech.t('move.none') : targets?.more ? speech.t('move.more') : ''}
        </p>
      </div>
    </div>
  );
}

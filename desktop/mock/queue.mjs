// Why calls went where they went, and messages, as the engine tells them.

const iso = (at) => new Date(at).toISOString();
const arrived = (call) => Date.parse(call.arrived_at ?? iso(call.entered));

/** Why `call` was offered to its agent. */
export function whyOf(id, call) {
  const agent = call.agent_id ?? call.agent ?? null;
  const at = iso(arrived(call) + 42_000);
  const offers = [
    offer(at, 'o1-3-41', call.queue, agent === '8002' ? '8003' : '8002', 312_000),
    offer(iso(arrived(call) + 66_000), 'o1-3-42', call.queue, agent, 187_000),
  ];
  return { call_id: id, offers: agent === null ? [] : offers };
}

function offer(at, offer_id, queue, agent_id, idle_ms) {
  const next = [['8004', 150_000], ['8007', 93_000], ['8011', 12_000]].map(([agent, idle]) => ({ agent_id: agent, call_id: null, key: 0, idle_ms: idle, score_ms: null }));
  const excluded = [['signed_out', 4], ['not_ready', 2], ['busy', 9], ['not_reached', 3]].map(([reason, count]) => ({ reason, count }));
  const minutes = Math.floor(idle_ms / 60_000);
  return {
    at, offer_id, queue, agent_id,
    decision: { number: 812, chosen_from: 'agents', strategy: 'longest_idle', key: 0, idle_ms, score_ms: null, permission: null, steps_reached: 1, next, excluded },
    said: {
      zh: `分配给座席 ${agent_id}：在可接听的 4 位座席中空闲最久（${minutes} 分钟）。`,
      en: `Offered to agent ${agent_id}: of the 4 who could take it, idle for longest (${minutes} min).`,
    },
  };
}

/** Why `agent` had `call` or had it not. */
export function whyAgentOf(id, call, agent) {
  const { offers } = whyOf(id, call);
  const moments = offers.map(({ at, queue, agent_id }) => {
    const had = agent_id === agent;
    return {
      at, queue, offer_id: null, offered_to: agent_id, reason: had ? 'offered' : 'busy',
      said: had
        ? { zh: `座席 ${agent} 被分配了这通电话。`, en: `Agent ${agent} was offered the call.` }
        : { zh: `座席 ${agent} 当时正在通话，已 3 分 12 秒；这通电话分配给了 ${agent_id}。`, en: `Agent ${agent} was in a call, for 3 min 12 s; the call was offered to ${agent_id}.` },
    };
  });
  return { call_id: id, agent_id: agent, moments };
}

/** The messages in each mailbox; `done` changes one. */
export class Messages {
  #items;
  constructor(queues, records) {
    this.#items = queues.flatMap(({ code }, nth) =>
      Array.from({ length: 7 - nth }, (_, at) => ({
        recording_id: `r1-9-${nth * 10 + at + 1}`, call_id: records[(nth * 7 + at) % records.length].call_id, agent_id: '', mailbox: code,
        done_at: at % 3 === 2 ? iso(Date.now() - at * 3_000_000) : null, done_by: at % 3 === 2 ? 'lead' : null,
        started_at: iso(Date.now() - (at + 1) * 5_400_000), duration_ms: 14_000 + ((at * 7_919) % 60_000), lost: false, held: null, deleted_at: null,
      })),
    );
  }

  list(query) {
    const items = this.#items.filter(({ mailbox, done_at }) => mailbox === query.get('mailbox') && (query.get('open') !== 'true' || done_at === null));
    return { items, next: null };
  }

  find(id) {
    return this.#items.find(({ recording_id }) => recording_id === id);
  }

  done(id, user) {
    const message = this.find(id);
    if (message && message.done_at === null) Object.assign(message, { done_at: iso(Date.now()), done_by: user });
    return message !== undefined;
  }
}

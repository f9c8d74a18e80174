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
  const idle = Math.round(idle_ms / 1_000);
  return {
    at, offer_id, queue, agent_id, decision: null,
    said: {
      zh: `按最长空闲给了坐席 ${agent_id}（空闲 ${idle} 秒）。其次是 8004（空闲 150 秒）、8007（空闲 93 秒）、8011（空闲 12 秒）。未参选：4 位未签入，2 位示忙，9 位正忙，3 位的层级尚未开放。`,
      en: `By longest idle it went to agent ${agent_id} (idle for ${idle} s). Next: 8004 (idle for 150 s), 8007 (idle for 93 s), 8011 (idle for 12 s). Not chosen from: 4 signed out, 2 not ready, 9 busy, 3 of a tier that the call had not reached.`,
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

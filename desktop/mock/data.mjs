// Invented customers, policies and calls for the mock, the same for the same seed.

/** A small seeded generator (mulberry32): numbers from 0 to 1. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = (random, list) => list[Math.floor(random() * list.length)];
const digits = (random, n) => Array.from({ length: n }, () => Math.floor(random() * 10)).join('');

const SURNAMES = [...'王李张刘陈杨赵黄周吴徐孙'];
const CITIES = ['江苏省南京市', '上海市浦东新区', '广东省深圳市', '四川省成都市', '浙江省杭州市', '内蒙古自治区呼和浩特市'];
const VEHICLES = ['大众朗逸 1.5L', '比亚迪秦PLUS DM-i', '丰田卡罗拉 双擎', '特斯拉 Model Y', '五菱宏光 S', '奔驰 GLC 260 L 4MATIC'];
const PRODUCTS = ['商业险', '交强险'];
const STATUSES = ['in_force', 'in_force', 'in_force', 'expired', 'not_yet_in_force', 'surrendered'];

function policy(random, year) {
  const status = pick(random, STATUSES);
  const begins = status === 'expired' ? year - 1 : status === 'not_yet_in_force' ? year + 1 : year;
  const month = String(1 + Math.floor(random() * 12)).padStart(2, '0');
  const claims = Array.from({ length: Math.floor(random() * 4) }, (_, nth) => ({
    claim_number: `RDAA${year - nth}${digits(random, 10)}`,
    lost_on: `${year - nth}-0${1 + Math.floor(random() * 9)}-1${Math.floor(random() * 10)}`,
    status: nth === 0 && random() < 0.5 ? 'open' : 'closed',
    paid_fen: nth === 0 && random() < 0.5 ? 0 : Math.floor(random() * 3_000_000),
  }));
  return {
    policy_number: `8051${digits(random, 12)}`,
    product: pick(random, PRODUCTS),
    plate: `苏A****${digits(random, 1)}`,
    vehicle: pick(random, VEHICLES),
    status,
    starts_on: `${begins}-${month}-01`,
    ends_on: `${begins + 1}-${month}-01`,
    premium_fen: 66_500 + Math.floor(random() * 900_000),
    claims,
  };
}

/** A customer with their policies, masked as a first-line agent sees them. */
export function customer(random, year, policies = 2 + Math.floor(random() * 3)) {
  const mobile = `1${pick(random, ['38', '39', '86', '59'])}******${digits(random, 2)}`;
  return {
    customer: {
      customer_id: `C${digits(random, 9)}`,
      name: `${pick(random, SURNAMES)}${pick(random, ['*', '**'])}`,
      phone: mobile,
      identity_number: `320*************${digits(random, 2)}`,
      class: pick(random, ['excellent', 'a', 'b', 'c']),
      city: pick(random, CITIES),
    },
    policies: Array.from({ length: policies }, () => policy(random, year)),
    ani: mobile,
  };
}

const iso = (ms) => new Date(ms + 8 * 3_600_000).toISOString().replace('Z', '+08:00');
export { iso };

const OUTCOMES = ['answered', 'answered', 'answered', 'answered', 'abandoned', 'self_service', 'abandoned_in_menu', 'engine_lost'];
const DISPOSITIONS = ['claim_registered', 'enquiry_answered', 'complaint_recorded', 'follow_up', 'wrong_number', null];

/** One finished call with its timeline. */
export function record(random, nth, at, outcome = pick(random, OUTCOMES)) {
  const talked = outcome === 'answered' ? 12_000 + Math.floor(random() * 40_000) : null;
  const waited = outcome === 'answered' || outcome === 'abandoned' ? Math.floor(random() * 95_000) : null;
  const agent = talked === null ? null : pick(random, ['8001', '8002', '8003', '8004', '8011', '8021']);
  const queue = waited === null ? null : pick(random, ['general', 'claims', 'complaints']);
  const call = `c1-7-${nth}`;
  const answered = at + 2_400 + (waited ?? 6_000);
  const recording = {
    recording_id: `r1-7-${nth}`,
    call_id: call,
    agent_id: agent,
    started_at: iso(answered),
    duration_ms: talked,
    bytes: talked === null ? null : 44 + talked * 32,
    sha256: digits(random, 64),
    gaps: 0,
    pauses: 0,
    lost: false,
    recovered: random() < 0.1,
    held: null,
    deleted_at: null,
    certificate: null,
  };
  const call_ = {
    call_id: call,
    trunk: 'demo',
    ani: `138******${digits(random, 2)}`,
    dnis: '95512',
    diverted_from: null,
    callback_of: null,
    sip_call_id: `${digits(random, 10)}@carrier`,
    arrived_at: iso(at),
    answered_at: iso(at + 20),
    queued_at: waited === null ? null : iso(at + 2_400),
    agent_answered_at: agent && iso(answered),
    ended_at: iso(answered + (talked ?? 0)),
    menu_path: ['welcome', 'menu', 'claims'],
    inputs: [{ node: 'menu', digits: '1' }],
    queue,
    tier: queue && 1,
    waited_ms: waited,
    rang_ms: agent && 3_100,
    talked_ms: talked,
    acw_ms: agent && 8_000,
    offers: [],
    legs: [],
    transfers: [],
    agent_id: agent,
    outcome,
    cause: outcome === 'engine_lost' ? 'engine_lost' : 'remote_bye',
    sip_status: null,
    lookup: 'found',
    lookup_ms: 4,
    customer_id: `C${digits(random, 9)}`,
    recordings: agent ? [recording] : [],
    disposition: agent && pick(random, DISPOSITIONS),
    settled: true,
  };
  return { ...call_, timeline: timeline(call_, at, answered, talked) };
}

function timeline(call, at, answered, talked) {
  const agent_id = call.agent_id;
  const facts = [
    [0, 'call_arrived', { trunk: 'demo', ani: call.ani, dnis: '95512' }],
    [4, 'lookup_ended', { lookup: 'found', customer_id: call.customer_id, took_ms: 4 }],
    [20, 'call_answered', {}],
    [25, 'menu_entered', { node: 'welcome' }],
    [1_100, 'menu_entered', { node: 'menu' }],
    [2_390, 'digits_collected', { node: 'menu', digits: '1' }],
  ];
  if (call.queue) facts.push([2_400, 'queued', { queue: call.queue }]);
  if (agent_id) {
    const offer = answered - at - 3_150;
    facts.push(
      [offer, 'offered', { queue: call.queue, agent_id, offer_id: 'o1-7-1' }],
      [offer + 1, 'popped', { agent_id, desktop: true }],
      [offer + 45, 'rang', { agent_id }],
      [answered - at, 'agent_answered', { agent_id }],
      [answered - at + 1, 'recording_started', { agent_id, recording_id: call.recordings[0].recording_id }],
      [answered - at + talked / 2, 'digits_collected', { node: 'menu', digits: '5' }],
      [answered - at + talked, 'leg_ended', { cause: 'remote_bye' }],
    );
  }
  const end = answered - at + (talked ?? 0);
  facts.push([end, 'call_ended', { outcome: call.outcome, cause: call.cause }]);
  if (agent_id) facts.push([end + 60, 'recording_sealed', { recording_id: call.recordings[0].recording_id, sha256: call.recordings[0].sha256 }]);
  if (call.disposition) facts.push([end + 8_000, 'wrapped_up', { agent_id, disposition: call.disposition }]);
  return facts.sort((a, b) => a[0] - b[0]).map(([after, type, fields], seq) => ({ seq, at: iso(at + after), type, ...fields }));
}

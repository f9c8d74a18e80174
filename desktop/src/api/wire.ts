// Everything that crosses the wire, and nothing else: the shapes of docs/protocol.md.
// Times are RFC 3339 with offset, durations end in `_ms`, money is in fen, ids are texts.

export type Role = 'agent' | 'supervisor' | 'inspector' | 'administrator';

/** `POST /api/v1/sessions` */
export interface SessionAnswer {
  token: string;
  user: string;
  name: string;
  role: Role;
  tier: number | null;
  permissions: string[];
}

/** The body of every refusal. */
export interface ApiErrorBody {
  error: { code: string; message: string; retry_after_ms?: number };
}

/** `GET /api/v1/config`: what the desktop offers for choice. */
export interface DeskConfig {
  numbers: string[];
  not_ready_reasons: string[];
  queues: Named[];
  dispositions: Named[];
  acw_ms: number;
  ring_timeout_ms: number;
  version: string;
}

/** A code with the words that people see. */
export interface Named {
  code: string;
  zh: string;
  en: string;
}

/** A page of a list. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

// ---- events -------------------------------------------------------------------------------

/** From the server, gap-free in `seq`. */
export interface EventFrame {
  seq: number;
  at: string;
  type: string;
  data: unknown;
}

export type Status = 'signed_out' | 'not_ready' | 'ready';
export type AgentActivity = 'idle' | 'reserved' | 'ringing' | 'talking' | 'acw';
export type Action =
  | 'ready'
  | 'not_ready'
  | 'sign_out'
  | 'hang_up'
  | 'extend_acw'
  | 'wrap_up'
  | 'transfer'
  | 'consult'
  | 'complete_transfer'
  | 'swap_parties'
  | 'conference'
  | 'cancel_consult'
  | 'dial'
  | 'pause_recording'
  | 'resume_recording';

export interface AgentStateData {
  agent_id: string;
  status: Status;
  reason: string | null;
  state: AgentActivity;
  since: string;
  next_status: Status | null;
  next_reason: string | null;
  allowed: Action[];
  call_id: string | null;
  acw_until: string | null;
  phone_reachable: boolean;
  /** The reason for which the agent asks, while no supervisor has decided. */
  asks?: string | null;
}

export type LookupResult = 'pending' | 'found' | 'unknown' | 'late' | 'failed';

export interface CustomerData {
  customer_id: string;
  name: string;
  phone: string;
  identity_number: string;
  class: string;
  city: string;
}

export interface ClaimData {
  claim_number: string;
  lost_on: string;
  status: string;
  paid_fen: number;
}

export interface PolicyData {
  policy_number: string;
  product: string;
  plate: string;
  vehicle: string;
  status: string;
  starts_on: string;
  ends_on: string;
  premium_fen: number;
  claims: ClaimData[];
}

export interface IvrInput {
  node: string;
  digits: string;
}

export interface ScreenPopData {
  call_id: string;
  offer_id: string;
  /** The colleague who brings the call, and what for; null for a call of a queue. */
  brought_by: string | null;
  /** The customer is called back as soon as the agent has answered. */
  callback?: boolean;
  transfer: TransferKind | null;
  ani: string;
  dnis: string;
  /** Null where an agent called the one outside. */
  queue: string | null;
  waited_ms: number;
  ivr: { path: string[]; inputs: IvrInput[] };
  lookup: LookupResult;
  customer: CustomerData | null;
  policies: PolicyData[];
}

export interface ScreenPopUpdateData {
  call_id: string;
  lookup: LookupResult;
  customer: CustomerData | null;
  policies: PolicyData[];
}

export type TransferKind = 'blind' | 'consult';

export type CallActivity =
  | 'dialling'
  | 'menu'
  | 'queued'
  | 'offered'
  | 'ringing'
  | 'talking'
  | 'transferring'
  | 'consulting'
  | 'conference'
  | 'ended';

/** Someone who is brought into a call: a colleague, or a telephone outside, masked. */
export interface GuestData {
  agent_id: string | null;
  number: string | null;
  /** The queue, as long as it has nobody. */
  queue?: string | null;
  by: string;
  transfer: TransferKind;
  answered: boolean;
  with_caller: boolean;
}

export interface TransferEndedData {
  call_id: string;
  agent_id: string | null;
  number: string | null;
  queue?: string | null;
  transfer: TransferKind;
  end: string;
}

export interface ColleagueData {
  agent_id: string;
  status: Status;
  reason: string | null;
  state: AgentActivity;
  available: boolean;
}

export interface LineData {
  queue: string;
  waiting: number;
  idle: number;
}

/** To whom a call can be given, as it was asked for. */
export interface TargetsData {
  search: string;
  agents: ColleagueData[];
  queues: LineData[];
  more: boolean;
}
/** Who began a call: someone outside, or an agent. */
export type Direction = 'inbound' | 'outbound' | 'internal';

export interface CallStateData {
  call_id: string;
  state: CallActivity;
  since: string;
  direction: Direction;
  ani: string;
  dnis: string;
  queue: string | null;
  agent_id: string | null;
  recording_id: string | null;
  /** Why silence is recorded now; null where voices are. */
  recording_paused: 'secret' | 'declined' | 'private' | null;
  guest: GuestData | null;
  /** How good the lines of its parties are, as far as that is known. */
  lines?: { role: 'caller' | 'agent' | 'number'; line: QualityData }[];
  outcome: string | null;
}

/** How many agents are doing what; every agent is counted once. */
export interface AgentTotals {
  signed_out: number;
  not_ready: number;
  idle: number;
  reserved: number;
  ringing: number;
  talking: number;
  acw: number;
}

export interface QueueStateData {
  queue: string;
  waiting: number;
  /** Those beside them who are called back when their turn comes. */
  callbacks?: number;
  longest_wait_ms: number;
  longest_wait_since: string | null;
  /** What who comes now is likely to wait: half of them, and nine of ten, no longer; null while unknown. */
  expected_wait?: { median_ms: number; p90_ms: number } | null;
  agents: AgentTotals;
  open: boolean;
}

/** A line to a carrier or a branch. */
export interface TrunkStateData {
  trunk: string;
  calls: number;
  refused: number;
  targets: number;
  reachable: number;
  /** null where it does not register. */
  registered: boolean | null;
  answered_at: string | null;
}

/** An emergency plan. */
export interface PlanStateData {
  plan: string;
  on: boolean;
}

export interface AlarmData {
  alarm: string;
  raised: boolean;
  detail: string;
}

// ---- commands -----------------------------------------------------------------------------

/** To the server. */
export interface CommandFrame {
  id: string;
  type: string;
  data: Record<string, unknown>;
}

/** The server's answer to a command. */
export interface Reply {
  reply_to: string;
  ok: boolean;
  error?: { code: string; message: string };
}

// ---- records ------------------------------------------------------------------------------

/** One call that is over. Durations are null where the thing did not happen. */
export interface CallRecord {
  call_id: string;
  direction: Direction;
  trunk: string;
  ani: string;
  dnis: string;
  /** The number that was dialled first, where the call was diverted here. */
  diverted_from: string | null;
  /** The call whose caller asked to be called back by this one. */
  callback_of: string | null;
  arrived_at: string;
  ended_at: string;
  menu_path: string[];
  inputs: IvrInput[];
  queue: string | null;
  tier: number | null;
  waited_ms: number | null;
  rang_ms: number | null;
  talked_ms: number | null;
  acw_ms: number | null;
  legs: LegData[];
  transfers: TransferData[];
  agent_id: string | null;
  outcome: string;
  cause: string;
  lookup: string | null;
  customer_id: string | null;
  recordings: RecordingData[];
  disposition: string | null;
  settled: boolean;
}

/** One party's part in a call. */
export interface LegData {
  leg_id: string;
  role: 'caller' | 'agent' | 'number';
  agent_id: string | null;
  number: string | null;
  began_at: string;
  answered_at: string | null;
  ended_at: string | null;
  cause: string | null;
  sip_status: number | null;
  /** How good its line was; null where that was not measured. */
  line?: QualityData | null;
}

/** How good the line of one party is, both ways. */
export interface QualityData {
  from_party: VoiceData | null;
  to_party: VoiceData | null;
  round_trip_us: number | null;
}

/** What the network did to one voice on its way; `mos` is from 1 to 4.5. */
export interface VoiceData {
  packets: number;
  lost: number;
  jitter_us: number;
  mos: number;
}

/** That someone was brought into a call. */
export interface TransferData {
  by: string;
  agent_id: string | null;
  queue: string | null;
  number: string | null;
  kind: TransferKind;
  by_phone: boolean;
  at: string;
  end: string | null;
  ended_at: string | null;
}

/** A recording's waveform: the lowest and the highest sample of each point in turn, -128 to 127. */
export interface PeaksData {
  recording_id: string;
  /** How long a point lasts, a multiple of 20. */
  point_ms: number;
  caller: number[];
  agent: number[];
}

/** A WAV file of two channels, the caller left and the agent right. */
export interface RecordingData {
  recording_id: string;
  call_id: string;
  agent_id: string;
  started_at: string;
  /** Null until it is sealed, as are the next two. */
  duration_ms: number | null;
  bytes: number | null;
  sha256: string | null;
  gaps: number;
  /** How often someone paused it: there it has silence. */
  pauses: number;
  /** Whether it will never be whole. */
  lost: boolean;
  recovered: boolean;
  /** Why it is under legal hold; null where it is not. */
  held: string | null;
  /** When it was deleted because its time was over. */
  deleted_at: string | null;
  /** The certificate of that. */
  certificate: string | null;
}

/** One fact of a call's timeline; which fields there are depends on its type. */
export interface TimelineFact {
  at: string;
  type: string;
  [field: string]: unknown;
}

/** One SIP message. Secrets are `*`; personal data is masked unless one may see it. */
export interface TraceItem {
  at: string;
  mono_us: number;
  leg: 'caller' | 'agent';
  leg_id: string;
  agent_id: string | null;
  /** From the engine's side. */
  direction: 'in' | 'out';
  transport: string;
  local: string;
  remote: string;
  summary: string;
  status: number | null;
  /** For a response: since its request was first seen. */
  took_us: number | null;
  malformed: boolean;
  message: string;
}

/** `GET /api/v1/calls/{id}/trace` */
export interface CallTrace {
  call_id: string;
  enabled: boolean;
  complete: boolean;
  cut: boolean;
  legs: { leg_id: string; agent_id: string | null; sip_call_id: string }[];
  items: TraceItem[];
}

/** `GET /api/v1/calls/{id}` */
export interface CallDetail extends CallRecord {
  timeline: TimelineFact[];
}

/** The same in both languages. */
export interface Said {
  zh: string;
  en: string;
}

/** Why a call's offers went where they went. */
export interface CallWhy {
  call_id: string;
  offers: OfferWhy[];
}

export interface OfferWhy {
  at: string;
  offer_id: string;
  queue: string | null;
  agent_id: string;
  said: Said;
}

/** Why one agent had a call or had it not. */
export interface AgentWhy {
  call_id: string;
  agent_id: string;
  moments: { at: string; queue: string | null; offered_to: string | null; reason: string; said: Said }[];
}

/** A message that a caller left. */
export interface MessageData {
  recording_id: string;
  call_id: string;
  mailbox: string;
  done_at: string | null;
  done_by: string | null;
  started_at: string;
  duration_ms: number | null;
  lost: boolean;
  deleted_at: string | null;
}

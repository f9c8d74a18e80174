// A server that speaks the desktop's protocol without an engine, for developing and looking at it.
//   node mock/server.mjs [--port 8090] [--robots 17] [--manual] [--talk MS] [--ring MS] [--acw MS] [--lookup MS]
// It serves ../dist as well. POST /mock/… makes things happen: see `control` below.
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

import { iso } from './data.mjs';
import { askToBeCalledBack, steer, STEERING } from './steer.mjs';
import { Messages, whyAgentOf, whyOf } from './queue.mjs';
import { traceOf } from './trace.mjs';
import { conversation, peaksOf } from './wav.mjs';
import { DISPOSITIONS, PACE, QUEUES, World } from './world.mjs';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    robots: { type: 'string', default: '0' },
    manual: { type: 'boolean', default: false },
    talk: { type: 'string' },
    ring: { type: 'string' },
    acw: { type: 'string' },
    lookup: { type: 'string' },
  },
});
const pace = Object.fromEntries(
  ['talk', 'ring', 'acw', 'lookup'].filter((key) => options[key]).map((key) => [key, Number(options[key])]),
);
const world = new World({ pace, robots: Number(options.robots), auto: !options.manual });

const USERS = { lead: ['supervisor', '班长 刘'], qa: ['inspector', '质检 周'], admin: ['administrator', '管理员'] };
const PERMISSIONS = {
  supervisor: ['call.view_all', 'board.view', 'call.trace', 'recording.pause', 'recording.hold', 'floor.steer', 'message.handle'],
  inspector: ['call.view_all', 'board.view', 'recording.play', 'recording.hold'],
  administrator: ['call.view_all', 'board.view', 'call.trace', 'engine.administer'],
};
const NAMES = ['王芳', '李娜', '张伟', '刘洋', '陈静', '杨帆', '赵敏'];
const HISTORY = 1_000;
const CSP = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Tokens, failed attempts, and each user's stream. */
const sessions = new Map();
const failures = new Map();
const streams = new Map();
let down = false;
let refusal = null;

function identity(user) {
  const agent = [...world.agents.keys()].indexOf(user);
  if (agent >= 0) {
    const tier = user < '8010' ? 1 : user < '8020' ? 2 : 3;
    const permissions = ['policy.view', 'call.handle', 'call.view_own', ...(tier > 1 ? ['call.outbound'] : [])];
    return { user, name: NAMES[agent % NAMES.length], role: 'agent', tier, permissions };
  }
  return USERS[user] && { user, name: USERS[user][1], role: USERS[user][0], tier: null, permissions: PERMISSIONS[USERS[user][0]] };
}

function stream(user) {
  if (!streams.has(user)) streams.set(user, { seq: 0, history: [], sockets: new Set(), board: identity(user).role !== 'agent' });
  return streams.get(user);
}

function publish(to, type, data) {
  to.seq += 1;
  const event = { seq: to.seq, at: iso(Date.now()), type, data };
  to.history.push(event);
  if (to.history.length > HISTORY) to.history.shift();
  for (const socket of to.sockets) socket.send(JSON.stringify(event));
}

world.listen((user, type, data) => {
  for (const [name, to] of streams) if (name === user || (to.board && type !== 'screen_pop' && type !== 'screen_pop_update')) publish(to, type, data);
});

const json = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
};
const refuse = (response, status, code, more = {}, headers = {}) =>
  json(response, status, { error: { code, message: code, ...more } }, headers);

async function bodyOf(request) {
  let text = '';
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

async function signIn(request, response) {
  const { user, password } = await bodyOf(request);
  const failed = failures.get(user) ?? { count: 0, until: 0 };
  const wait = failed.until - Date.now();
  if (wait > 0) {
    return refuse(response, 429, failed.count >= 6 ? 'locked' : 'slowed', { retry_after_ms: wait }, { 'retry-after': String(Math.ceil(wait / 1000)) });
  }
  if (password !== 'demo' || !identity(user)) {
    const count = failed.count + 1;
    failures.set(user, { count, until: Date.now() + (count >= 6 ? 60_000 : count >= 3 ? 3_000 : 0) });
    return refuse(response, 401, 'wrong_credentials');
  }
  failures.delete(user);
  const token = randomUUID();
  sessions.set(token, user);
  return json(response, 201, { token, ...identity(user) });
}

function list(url, user) {
  const query = url.searchParams;
  const limit = Number(query.get('limit') ?? 50);
  const from = Number(query.get('cursor') ?? 0);
  const agent = identity(user).role === 'agent' ? user : query.get('agent');
  const found = world.records.filter(
    (call) =>
      (!agent || call.agent_id === agent) &&
      (!query.get('queue') || call.queue === query.get('queue')) &&
      (!query.get('outcome') || call.outcome === query.get('outcome')) &&
      (!query.get('ani') || call.ani === query.get('ani')) &&
      (!query.get('from') || Date.parse(call.arrived_at) >= Date.parse(query.get('from'))) &&
      (!query.get('until') || Date.parse(call.arrived_at) < Date.parse(query.get('until'))),
  );
  const items = found.slice(from, from + limit).map(({ timeline: _timeline, ...call }) => call);
  return { items, next: from + limit < found.length ? String(from + limit) : null };
}

const certificate = ({ recording_id, call_id, sha256 }) => [
  'HOTLINE RECORDING DELETION CERTIFICATE', `number: 42`, `recording: ${recording_id}`, `call: ${call_id}`,
  `rule: claims, 5 years from the end of the last policy`, `sha256: ${sha256}`, `previous: ${sha256.split('').reverse().join('')}`,
].join('\n');

/** What the person at the mock may make happen. */
function control(url, response) {
  const query = Object.fromEntries(url.searchParams);
  const agent = world.agents.get(query.agent);
  switch (url.pathname) {
    case '/mock/call': // ?agent=8001&lookup=found|unknown|late|failed|pending&until=ringing|talking|acw&policies=3&waited=23000&queue=claims
      Object.assign(agent, { state: 'idle', status: 'ready', call: null });
      world.ring(agent, { ...query, policies: query.policies && Number(query.policies), waited: Number(query.waited ?? 23_000) });
      break;
    case '/mock/end': // ?agent=8001: the caller hangs up
      world.ended(agent, agent.call);
      break;
    case '/mock/back': // ?agent=8001&end=no_answer: whoever is brought in is not there
      world.back(agent, query.end ?? 'no_answer');
      break;
    case '/mock/asked': // ?agent=8001&by=8002: the next pop is a consultation
      agent.call.brought = { by: query.by, transfer: 'consult' };
      world.tell(agent.id, 'screen_pop', world.pop(agent.call));
      break;
    case '/mock/wait': { // ?queue=claims&waited=60000: a caller who waits; answers with the call's id
      const call = world.arrive({ waited: Number(query.waited ?? 0), queue: query.queue });
      world.move(call, { state: 'queued' });
      return json(response, 200, { call_id: call.call_id });
    }
    case '/mock/expire': { // ?over=false: the newest recording's time is over, or is not after all
      const recording = world.records.find(({ recordings }) => recordings.length > 0).recordings[0];
      const over = query.over !== 'false';
      Object.assign(recording, { deleted_at: over ? iso(Date.now()) : null, certificate: over ? certificate(recording) : null });
      break;
    }
    case '/mock/callback': // ?queue=claims&missed=1: a caller who would rather be called back
      askToBeCalledBack(world, query.queue ?? 'claims', Number(query.missed ?? 0));
      break;
    case '/mock/asks': // ?agent=8001&reason=meal: an agent who needs a supervisor's word
      world.change(agent, { asks: query.reason, since: agent.since });
      break;
    case '/mock/agent': // ?agent=8001&status=&reason=&state=&reachable=false
      world.change(agent, { ...query, reachable: query.reachable !== 'false' });
      break;
    case '/mock/alarm': // ?alarm=disk_full&detail=…
      world.alarms.set(query.alarm, query.detail);
      world.tell(null, 'alarm', { alarm: query.alarm, raised: true, detail: query.detail });
      break;
    case '/mock/drop': // ?ms=3000: all connections break, and none is taken for so long
      for (const { sockets } of streams.values()) for (const socket of sockets) socket.terminate();
      down = true;
      setTimeout(() => { down = false; }, Number(query.ms ?? 0));
      break;
    case '/mock/gap': // ?user=8001: an event is lost on the way
      stream(query.user).seq += 1;
      break;
    case '/mock/refuse': // ?code=phone_unreachable: the next command is refused
      refusal = query.code;
      break;
    case '/mock/forget': // all sign-ins are over
      sessions.clear();
      for (const { sockets } of streams.values()) for (const socket of sockets) socket.close(4001, 'session_over');
      break;
    default:
      return json(response, 404);
  }
  return json(response, 204);
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const dist = fileURLToPath(new URL('../dist', import.meta.url));

function file(url, response) {
  const path = join(dist, normalize(url.pathname === '/' ? '/index.html' : url.pathname));
  if (!path.startsWith(dist) || !existsSync(path)) return json(response, 404);
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': CSP });
  return createReadStream(path).pipe(response);
}

const messages = new Messages(QUEUES, world.records);
/** How long a recording is; null where there is none. */
const lengthOf = (id) => messages.find(id)?.duration_ms ?? taped(id)?.talked_ms ?? null;
const taped = (id) => world.records.find((one) => one.recordings.some((part) => part.recording_id === id));

async function setHold(id, user, request, response) {
  if (!identity(user).permissions.includes('recording.hold')) return refuse(response, 403, 'forbidden');
  const recording = taped(id)?.recordings.find(({ recording_id }) => recording_id === id);
  if (!recording) return refuse(response, 404, 'not_found');
  let body = '';
  for await (const chunk of request) body += chunk;
  recording.held = request.method === 'PUT' ? JSON.parse(body).why : null;
  return json(response, 204);
}

function peaks(id, url, response) {
  const length = lengthOf(id);
  if (length === null) return refuse(response, 404, 'not_found');
  const bytes = conversation(length, Number(id.split('-').at(-1)));
  return json(response, 200, { recording_id: id, ...peaksOf(bytes, Number(url.searchParams.get('points') ?? 2_000)) });
}

function audio(id, request, response) {
  const length = lengthOf(id);
  if (length === null) return refuse(response, 404, 'not_found');
  const bytes = conversation(length, Number(id.split('-').at(-1)));
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const [from, to] = range ? [Number(range[1]), Number(range[2] || bytes.length - 1)] : [0, bytes.length - 1];
  const part = bytes.subarray(from, to + 1);
  response.writeHead(range ? 206 : 200, {
    'content-type': 'audio/wav', 'content-length': part.length, 'accept-ranges': 'bytes',
    ...(range ? { 'content-range': `bytes ${from}-${to}/${bytes.length}` } : {}),
  });
  return response.end(part);
}

function trace(id, capture, user, response) {
  if (!identity(user).permissions.includes('call.trace')) return refuse(response, 403, 'forbidden');
  const call = world.calls.get(id) ?? world.records.find(({ call_id }) => call_id === id);
  if (!call) return refuse(response, 404, 'not_found');
  if (!capture) return json(response, 200, traceOf(id, call));
  // An empty capture: the file's header alone.
  response.writeHead(200, { 'content-type': 'application/vnd.tcpdump.pcap' });
  return response.end(Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex'));
}

function why(id, agent, response) {
  const call = world.calls.get(id) ?? world.records.find(({ call_id }) => call_id === id);
  if (!call) return refuse(response, 404, 'not_found');
  return json(response, 200, agent ? whyAgentOf(id, call, agent) : whyOf(id, call));
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://mock');
  if (url.pathname.startsWith('/mock/')) return control(url, response);
  if (down) return request.socket.destroy();
  if (!url.pathname.startsWith('/api/v1/')) return file(url, response);
  const path = url.pathname.slice('/api/v1'.length);
  if (path === '/sessions' && request.method === 'POST') return signIn(request, response);
  const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const user = sessions.get(token);
  if (!user) return refuse(response, 401, 'not_signed_in');
  if (path === '/sessions/current') return sessions.delete(token), json(response, 204);
  if (path === '/me') return json(response, 200, { ...identity(user) });
  if (path === '/config') {
    return json(response, 200, {
      numbers: ['95512', '95500'], dispositions: DISPOSITIONS, not_ready_reasons: ['break', 'meal', 'training', 'meeting', 'back_office'],
      queues: QUEUES, acw_ms: world.pace.acw ?? PACE.acw, ring_timeout_ms: 20_000, version: 'mock',
    });
  }
  if (path === '/calls') return json(response, 200, list(url, user));
  const traced = /^\/calls\/([^/]+)\/trace(\.pcap)?$/.exec(path);
  if (traced) return trace(decodeURIComponent(traced[1]), traced[2], user, response);
  const asked = /^\/calls\/([^/]+)\/why(?:\/([^/]+))?$/.exec(path);
  if (asked) return why(decodeURIComponent(asked[1]), asked[2], response);
  if (path === '/recordings') return json(response, 200, messages.list(url.searchParams));
  const finished = /^\/recordings\/(.+)\/done$/.exec(path);
  if (finished) return messages.done(finished[1], user) ? json(response, 204) : refuse(response, 404, 'not_found');
  const call = /^\/calls\/(.+)$/.exec(path);
  const found = call && world.records.find(({ call_id }) => call_id === decodeURIComponent(call[1]));
  if (call) return found ? json(response, 200, found) : refuse(response, 404, 'not_found');
  const hold = /^\/recordings\/(.+)\/hold$/.exec(path);
  if (hold) return setHold(hold[1], user, request, response);
  const drawn = /^\/recordings\/(.+)\/peaks$/.exec(path);
  if (drawn) return peaks(drawn[1], url, response);
  const recording = /^\/recordings\/(.+)\/audio$/.exec(path);
  return recording ? audio(recording[1], request, response) : refuse(response, 404, 'not_found');
}

const server = createServer((request, response) => void answer(request, response));
const sockets = new WebSocketServer({ noServer: true });
const done = new Map();

/** Null where it was done, else why not. */
function perform(user, type, data) {
  if (!STEERING.has(type)) return world.command(user, type, data);
  return identity(user).permissions.includes('floor.steer') ? steer(world, type, data) : 'forbidden';
}

server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://mock');
  const user = sessions.get(url.searchParams.get('token'));
  if (down || !user || url.pathname !== '/api/v1/events') return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
  return sockets.handleUpgrade(request, socket, head, (ws) => {
    const to = stream(user);
    world.opened(user);
    const after = url.searchParams.get('after');
    const missed = after === null ? null : to.history.filter(({ seq }) => seq > Number(after));
    if (missed && missed.length === to.seq - Number(after)) {
      for (const event of missed) ws.send(JSON.stringify(event));
      to.sockets.add(ws);
    } else {
      to.sockets.add(ws);
      for (const [type, data] of world.snapshot(user, to.board)) publish(to, type, data);
    }
    ws.on('close', () => to.sockets.delete(ws));
    ws.on('message', (text) => {
      const { id, type, data } = JSON.parse(text);
      const key = `${user} ${id}`;
      if (!done.has(key)) done.set(key, refusal ?? perform(user, type, data ?? {}));
      refusal = null;
      const code = done.get(key);
      ws.send(JSON.stringify(code ? { reply_to: id, ok: false, error: { code, message: code } } : { reply_to: id, ok: true }));
    });
  });
});

server.listen(Number(options.port), '127.0.0.1', () => console.log(`ready http://127.0.0.1:${options.port}/`));

// The SIP messages of a call, invented: an INVITE that is answered, a phone that is rung, the end.
import { iso } from './data.mjs';

const HOTLINE = '192.0.2.9:5060';
const CALLER = '198.51.100.20:5060';
const PHONE = '10.20.30.41:5062';
const SDP = ['v=0', 'o=- 20261121 1 IN IP4 192.0.2.9', 's=hotline', 'c=IN IP4 192.0.2.9', 't=0 0', 'm=audio 20014 RTP/AVP 8 101', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000', 'a=sendrecv', ''].join('\r\n');

/** milliseconds, side, direction, first line, method, SDP, milliseconds since its request */
const STEPS = [
  [0, 'caller', 'in', 'INVITE sip:95512@192.0.2.9', 'INVITE', true],
  [1.2, 'caller', 'out', '100 Trying', 'INVITE', false, 1.2],
  [6.4, 'caller', 'out', '200 OK', 'INVITE', true, 6.4],
  [31.8, 'caller', 'in', 'ACK sip:192.0.2.9', 'ACK', false],
  [9_120, 'agent', 'out', 'INVITE sip:AGENT@10.20.30.41:5062', 'INVITE', true],
  [9_131, 'agent', 'in', '100 Trying', 'INVITE', false, 11],
  [9_184.5, 'agent', 'in', '180 Ringing', 'INVITE', false, 64.5],
  [12_790, 'agent', 'in', '200 OK', 'INVITE', true, 3_670],
  [12_792, 'agent', 'out', 'ACK sip:AGENT@10.20.30.41:5062', 'ACK', false],
  [12_801, 'caller', 'out', 'INVITE sip:198.51.100.20', 'INVITE', true],
  [12_833, 'caller', 'in', '200 OK', 'INVITE', true, 32],
  [12_834, 'caller', 'out', 'ACK sip:198.51.100.20', 'ACK', false],
  [34_210, 'caller', 'in', 'BYE sip:192.0.2.9', 'BYE', false],
  [34_211.3, 'caller', 'out', '200 OK', 'BYE', false, 1.3],
  [34_212, 'agent', 'out', 'BYE sip:AGENT@10.20.30.41:5062', 'BYE', false],
  [34_244, 'agent', 'in', '200 OK', 'BYE', false, 32],
];

/** The trace of `call` as the engine tells it. */
export function traceOf(id, call) {
  const began = Date.parse(call.arrived_at ?? iso(call.since));
  const agent = call.agent_id ?? call.agent ?? '8001';
  const legs = [
    { leg_id: 'l1-9-1', agent_id: null, sip_call_id: '3848276298@198.51.100.20' },
    { leg_id: 'l1-9-2', agent_id: agent, sip_call_id: '9d1f0c2ab37e4f51' },
  ];
  const items = STEPS.map(([ms, leg, direction, first, method, sdp, took]) => {
    const status = /^\d/.test(first) ? Number(first.slice(0, 3)) : null;
    const party = legs[leg === 'caller' ? 0 : 1];
    const line = status === null ? `${first.replace('AGENT', agent)} SIP/2.0` : `SIP/2.0 ${first}`;
    const note = sdp ? 'SDP' : '';
    return {
      at: iso(began + ms), mono_us: Math.round(5_000_000 + ms * 1000), leg, leg_id: party.leg_id, agent_id: party.agent_id,
      direction, transport: 'udp', local: HOTLINE, remote: leg === 'caller' ? CALLER : PHONE,
      summary: status === null ? `${method}${note && ` (${note})`}` : `${first} (${[method, note].filter(Boolean).join(', ')})`,
      status, took_us: took === undefined ? null : Math.round(took * 1000), malformed: false,
      message: [
        line,
        `Via: SIP/2.0/UDP ${direction === 'in' ? CALLER : HOTLINE};branch=z9hG4bK${method}${leg}`,
        `From: <sip:${leg === 'caller' ? call.ani : '95512'}@198.51.100.20>;tag=1a2b3c`,
        `To: <sip:${leg === 'caller' ? '95512' : agent}@192.0.2.9>${status === null ? '' : ';tag=9f8e7d'}`,
        `Call-ID: ${party.sip_call_id}`,
        `CSeq: 1 ${method}`,
        `Content-Length: ${sdp ? SDP.length : 0}`,
        ...(sdp ? ['Content-Type: application/sdp'] : []),
        '', sdp ? SDP : '',
      ].join('\r\n'),
    };
  });
  return { call_id: id, enabled: true, complete: true, cut: false, legs, items };
}

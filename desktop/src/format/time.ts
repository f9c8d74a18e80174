// Durations, clock times and dates as people read them. Pure: the time is always passed in.

/** Two digits. */
const two = (n: number): string => String(n).padStart(2, '0');

/** `05:07`, `1:02:03`; never negative. The width only changes at one hour and at ten. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

/** `2–5` minutes for a wait from its median to its ninetieth percentile, rounded outwards; `<1`. */
export function minutes([median, p90]: [number, number]): string {
  const [low, high] = [Math.floor(median / 60_000), Math.ceil(p90 / 60_000)];
  if (high <= 1) return p90 > 0 ? '<1' : '0';
  return low === high ? String(low) : `${low}–${high}`;
}

/** `0:07.3` for positions in a recording. */
export function position(seconds: number): string {
  const tenths = Math.max(0, Math.floor(seconds * 10));
  return `${Math.floor(tenths / 600)}:${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
}

/** Milliseconds since 1970 of an RFC 3339 time, or null for what is none. */
export function instant(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** `14:03:09` in the viewer's time zone; `–` for what is no time. */
export function timeOfDay(at: number | null): string {
  if (at === null) return '–';
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** `2025-11-21` in the viewer's time zone. */
export function day(at: number | null): string {
  if (at === null) return '–';
  const d = new Date(at);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** `2025-11-21 14:03:09` in the viewer's time zone. */
export function dateTime(at: number | null): string {
  return at === null ? '–' : `${day(at)} ${timeOfDay(at)}`;
}

/** An instant in RFC 3339 with the viewer's offset, for query parameters. */
export function rfc3339(at: number): string {
  const offset = -new Date(at).getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const zone = `${sign}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${dateTime(at).replace(' ', 'T')}${zone}`;
}

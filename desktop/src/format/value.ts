// Money, phone numbers, identity numbers and sizes as people read them.

/** `1,234.50` yuan of `fen` (1/100 yuan), without the currency sign. */
export function yuan(fen: number): string {
  const sign = fen < 0 ? '-' : '';
  const [whole, part] = [Math.floor(Math.abs(fen) / 100), Math.abs(fen) % 100];
  const grouped = String(whole).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign}${grouped}.${String(part).padStart(2, '0')}`;
}

/** Groups of digits, masked or not: `138 **** **78`. Anything that is not 11 long stays as it is. */
export function phone(text: string): string {
  return /^[1*][\d*]{10}$/.test(text)
    ? `${text.slice(0, 3)} ${text.slice(3, 7)} ${text.slice(7)}`
    : text;
}

/** An identity number in its parts: region, birthday, rest. */
export function identity(text: string): string {
  return /^[\d*]{17}[\dXx*]$/.test(text)
    ? `${text.slice(0, 6)} ${text.slice(6, 14)} ${text.slice(14)}`
    : text;
}

/** `1.2 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

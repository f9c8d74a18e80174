export function conversation(ms: number, seed?: number): Uint8Array<ArrayBuffer>;

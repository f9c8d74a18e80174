// Fetches a recording with the session's token, and its waveform: an old recording has none, of
// that the peaks are read while it arrives.
import { useEffect, useState } from 'react';

import { ApiError } from '../api/http';
import { useSession } from '../state/context';
import { fewer, WavReader, wavesOf } from './wav';

/** More points than any screen shows. */
const POINTS = 4_000;

export type Recording =
  | { phase: 'none' }
  | { phase: 'loading'; percent: number }
  | { phase: 'failed'; code: string }
  | { phase: 'here'; url: string; seconds: number; channels: Float32Array[] };

export function useRecording(id: string | null): Recording {
  const { api } = useSession();
  const [recording, setRecording] = useState<Recording>({ phase: 'none' });
  useEffect(() => {
    if (id === null) {
      setRecording({ phase: 'none' });
      return undefined;
    }
    const control = new AbortController();
    let url: string | null = null;
    setRecording({ phase: 'loading', percent: 0 });
    const read = async (): Promise<void> => {
      const drawn = await api.peaks(id, POINTS, control.signal);
      const answer = await api.audio(id, control.signal);
      const { blob, reader } = await collect(answer, new WavReader(drawn === null), (percent) => {
        setRecording({ phase: 'loading', percent });
      });
      if (control.signal.aborted) return;
      const { seconds, channels } = reader.result();
      url = URL.createObjectURL(blob);
      const points = drawn ? wavesOf(drawn) : channels.map((peaks) => fewer(peaks, POINTS));
      setRecording({ phase: 'here', url, seconds, channels: points });
    };
    read().catch((error: unknown) => {
      if (control.signal.aborted) return;
      setRecording({ phase: 'failed', code: error instanceof ApiError ? error.code : 'unreachable' });
    });
    return () => {
      control.abort();
      if (url !== null) URL.revokeObjectURL(url);
    };
  }, [api, id]);
  return recording;
}

async function collect(
  answer: Response,
  reader: WavReader,
  progress: (percent: number) => void,
): Promise<{ blob: Blob; reader: WavReader }> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const total = Number(answer.headers.get('content-length')) || 0;
  const stream = answer.body?.getReader();
  let [got, told] = [0, 0];
  for (;;) {
    const next = await stream?.read();
    if (!next || next.done) break;
    const chunk = next.value;
    parts.push(chunk);
    reader.push(chunk);
    got += chunk.length;
    const percent = total > 0 ? Math.floor((got / total) * 100) : 0;
    if (percent >= told + 5) {
      told = percent;
      progress(percent);
    }
  }
  return { blob: new Blob(parts, { type: 'audio/wav' }), reader };
}

// What the engine answers to a question, read when the question changes.
import { useEffect, useRef, useState } from 'react';

import { ApiError } from '../../api/http';

export interface Answer<T> {
  found: T | null;
  failed: string | null;
}

/** The answer to `question`; nothing while there is none. What is late is not shown for another one. */
export function useAnswer<T>(question: string | null, read: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ found: null, failed: null });
  const reads = useRef(read);
  reads.current = read;
  useEffect(() => {
    setAnswer({ found: null, failed: null });
    if (question === null) return undefined;
    const control = new AbortController();
    reads.current(control.signal).then(
      (found) => setAnswer({ found, failed: null }),
      (error: unknown) => {
        if (control.signal.aborted) return;
        setAnswer({ found: null, failed: error instanceof ApiError ? error.code : 'unreachable' });
      },
    );
    return () => control.abort();
  }, [question]);
  return answer;
}

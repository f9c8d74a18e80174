// Plays one recording: both voices as waves, seek by click and key, speed with the pitch kept.
import { Button, Segmented } from 'antd';
import { useCallback, useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';
import WaveSurfer from 'wavesurfer.js';

import { position } from '../format/time';
import { useSpeech } from '../i18n/context';
import { SPEEDS, stepped } from './speeds';
import { usePlayerKeys } from './usePlayerKeys';
import { useRecording } from './useRecording';

/** Height of one channel's wave. */
const WAVE_HEIGHT = 60;

/** What the timeline may ask of the player. */
export interface PlayerHandle {
  seek(seconds: number): void;
}

export function Player({ id, ref }: { id: string | null; ref?: Ref<PlayerHandle> }) {
  const { t } = useSpeech();
  const recording = useRecording(id);
  const here = recording.phase === 'here' ? recording : null;
  const [audio, setAudio] = useState<HTMLAudioElement | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [speed, setSpeed] = useState(1);

  useWave(box, audio, here);
  useEffect(() => {
    setAt(0);
    setPlaying(false);
  }, [here]);
  useEffect(() => {
    if (!audio) return;
    audio.preservesPitch = true;
    audio.defaultPlaybackRate = speed;
    audio.playbackRate = speed;
  }, [audio, speed, here]);

  const seek = useCallback(
    (seconds: number) => {
      if (!audio || !here) return;
      audio.currentTime = Math.max(0, Math.min(seconds, here.seconds));
    },
    [audio, here],
  );
  const toggle = (): void => {
    if (!audio || !here) return;
    if (audio.paused) void audio.play();
    else audio.pause();
  };
  useImperativeHandle(ref, () => ({ seek }), [seek]);
  usePlayerKeys({
    toggle,
    skip: (seconds) => seek((audio?.currentTime ?? 0) + seconds),
    toStart: () => seek(0),
    toEnd: () => seek(here?.seconds ?? 0),
    faster: (steps) => setSpeed((now) => stepped(now, steps)),
  });

  return (
    <section className="player" data-testid="player" data-phase={recording.phase} data-recording={id}>
      <audio
        ref={setAudio}
        data-testid="audio"
        preload="auto"
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => setAt(event.currentTarget.currentTime)}
      />
      <div className="waves">
        <span className="voice of-caller">{t('rec.caller_channel')}</span>
        <span className="voice of-agent">{t('rec.agent_channel')}</span>
        <div ref={box} className="wave" aria-label={t('rec.waveform')} />
        {!here && <p className="wave-told">{told(recording, t)}</p>}
      </div>
      <div className="player-controls">
        <Button type="primary" disabled={!here} onClick={toggle} data-testid="play">
          {playing ? t('rec.pause') : t('rec.play')}
        </Button>
        <span className="timer" data-testid="position">
          {position(at)} / {position(here?.seconds ?? 0)}
        </span>
        <Segmented
          size="small"
          value={speed}
          onChange={setSpeed}
          options={SPEEDS.map((value) => ({ value, label: value === 1 ? '1×' : String(value) }))}
        />
      </div>
      <p className="player-keys">{t('rec.keys')}</p>
    </section>
  );
}

function told(
  recording: ReturnType<typeof useRecording>,
  t: ReturnType<typeof useSpeech>['t'],
): string {
  switch (recording.phase) {
    case 'none':
      return t('rec.no_recording');
    case 'loading':
      return t('rec.loading', { percent: recording.percent });
    case 'failed':
      return t('rec.failed', { code: recording.code });
    case 'here':
      return '';
  }
}

type Here = Extract<ReturnType<typeof useRecording>, { phase: 'here' }>;

/** Draws the waves of `here` into `box` and ties them to `audio`. */
function useWave(box: { current: HTMLDivElement | null }, audio: HTMLAudioElement | null, here: Here | null): void {
  useEffect(() => {
    if (!box.current || !audio || !here) return undefined;
    const channel = (colour: string, progress: string) => ({
      waveColor: colour,
      progressColor: progress,
      height: WAVE_HEIGHT,
    });
    audio.src = here.url;
    const wave = WaveSurfer.create({
      container: box.current,
      media: audio,
      peaks: here.channels,
      duration: here.seconds,
      normalize: true,
      cursorColor: '#b3261e',
      cursorWidth: 2,
      splitChannels: [channel('#8fb8e0', '#0b5cad'), channel('#93cbaa', '#14713d')],
    });
    return () => {
      wave.destroy();
      audio.pause();
      audio.removeAttribute('src');
      audio.load();
    };
  }, [box, audio, here]);
}

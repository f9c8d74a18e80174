import { describe, expect, it } from 'vitest';

import { clock, dateTime, day, instant, minutes, position, rfc3339, timeOfDay } from '../src/format/time';
import { identity, phone, size, yuan } from '../src/format/value';

describe('a running time', () => {
  it('has two digits for minutes and seconds, and hours when there are any', () => {
    expect([0, 999, 1_000, 59_999, 60_000, 3_599_000, 3_600_000, 36_061_000].map(clock)).toEqual([
      '00:00', '00:00', '00:01', '00:59', '01:00', '59:59', '1:00:00', '10:01:01',
    ]);
  });

  it('tells an expected wait in minutes, rounded outwards', () => {
    const told = [[0, 0], [5_000, 40_000], [30_000, 60_000], [30_000, 61_000], [61_000, 290_000], [120_000, 120_000]] as const;
    expect(told.map(([median, p90]) => minutes([median, p90]))).toEqual(['0', '<1', '<1', '0–2', '1–5', '2']);
  });

  it('is never negative, even if the clocks differ', () => {
    expect(clock(-5_000)).toBe('00:00');
  });

  it('in a recording has tenths', () => {
    expect([0, 7.36, 59.99, 60, 3_725.04].map(position)).toEqual(['0:00.0', '0:07.3', '0:59.9', '1:00.0', '62:05.0']);
  });
});

describe('a time of day', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5).getTime();

  it('is written in the viewer’s zone', () => {
    expect(timeOfDay(at)).toBe('03:04:05');
    expect(day(at)).toBe('2026-01-02');
    expect(dateTime(at)).toBe('2026-01-02 03:04:05');
  });

  it('goes to the server with its offset and comes back the same', () => {
    const text = rfc3339(at);
    expect(text).toMatch(/^2026-01-02T03:04:05[+-]\d\d:\d\d$/);
    expect(instant(text)).toBe(at);
  });

  it('that is none is a dash', () => {
    expect([instant(null), instant(''), instant('yesterday')]).toEqual([null, null, null]);
    expect([timeOfDay(null), day(null), dateTime(null)]).toEqual(['–', '–', '–']);
  });
});

describe('a value', () => {
  it('of money is exact', () => {
    expect([0, 5, 123_450, 100_000_000, -7_501].map(yuan)).toEqual(['0.00', '0.05', '1,234.50', '1,000,000.00', '-75.01']);
  });

  it('of a telephone number is grouped, masked or not', () => {
    expect(phone('13800138078')).toBe('138 0013 8078');
    expect(phone('138******78')).toBe('138 **** **78');
    expect([phone('95512'), phone('+8613800138078'), phone('')]).toEqual(['95512', '+8613800138078', '']);
  });

  it('of an identity number shows its parts', () => {
    expect(identity('11010119900307013X')).toBe('110101 19900307 013X');
    expect(identity('110*************34')).toBe('110*** ******** **34');
    expect(identity('王**')).toBe('王**');
  });

  it('of a file is short', () => {
    expect([999, 44_000, 3_200_044].map(size)).toEqual(['999 B', '44 kB', '3.2 MB']);
  });
});

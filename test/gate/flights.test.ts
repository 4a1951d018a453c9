import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Flight, Flights } from '../../src/gate/flights.ts';
import { createVirtualClock } from '../../src/sim/virtual-clock.ts';

const patient = AbortSignal.any([]);
const atGate = () => {
  const clock = createVirtualClock();
  const flights = new Flights(clock);
  const order: string[] = [];
  /** Tells when a change has its turn. */
  const take = (flight: Flight, name: string, ...apps: string[]): Promise<boolean> =>
    flight.take(apps, patient).finally(() => order.push(name));
  return { clock, flights, order, take };
};

describe('a change at the gate', () => {
  it('goes at once where none of its apps is under way', async () => {
    const { flights } = atGate();
    const [first, second] = [flights.open(), flights.open()];
    assert.equal(await first.take(['/a'], patient), true);
    assert.equal(await second.take(['/b'], patient), true);
  });

  it('waits for the one before, and asks Marathon anew', async () => {
    const { flights, order, take } = atGate();
    const first = flights.open();
    await take(first, 'first', '/a');
    const second = flights.open();
    const waiting = take(second, 'second', '/a');
    order.push('first ends');
    first.end();
    assert.equal(await waiting, false);
    assert.deepEqual(order, ['first', 'first ends', 'second']);
    assert.equal(await second.take(['/a'], patient), true, 'and then it has its turn');
  });

  it('asks anew when another ended while Marathon was asked', async () => {
    const { flights } = atGate();
    const second = flights.open();
    const first = flights.open();
    await first.take(['/a'], patient);
    first.end();
    assert.equal(await second.take(['/b', '/a'], patient), false);
  });

  it('does not ask anew for what ended before, nor for other apps', async () => {
    const { flights } = atGate();
    const first = flights.open();
    await first.take(['/a'], patient);
    first.end();
    const second = flights.open();
    const third = flights.open();
    await third.take(['/b'], patient);
    third.end();
    assert.equal(await second.take(['/a'], patient), true);
  });

  it('goes in order of arrival', async () => {
    const { flights, order, take } = atGate();
    const all = ['1', '2', '3'].map((name) => ({ name, flight: flights.open() }));
    const turns = all.map(async ({ name, flight }) => {
      await take(flight, name, '/a');
      flight.end();
    });
    await Promise.all(turns);
    assert.deepEqual(order, ['1', '2', '3']);
  });

  it('never waits for one that waits for it', async () => {
    const { flights, take } = atGate();
    const [one, other] = [flights.open(), flights.open()];
    await take(one, 'one', '/a');
    await take(other, 'other', '/b');
    const both = [take(one, 'one', '/a', '/b'), take(other, 'other', '/a', '/b')];
    other.end();
    assert.equal(await both[0], false);
    one.end();
    assert.equal(await both[1], false);
  });

  it('goes on beside one that does not end', async () => {
    const { flights } = atGate();
    await flights.open().take(['/a'], patient);
    const patience = new AbortController();
    const second = flights.open();
    const turn = second.take(['/a'], patience.signal);
    patience.abort();
    assert.equal(await turn, false);
    assert.equal(await second.take(['/a'], patience.signal), true);
  });

  it('does not wait for one that was forgotten', async () => {
    const { clock, flights } = atGate();
    await flights.open().take(['/a'], patient);
    await clock.advance(60_000);
    assert.equal(await flights.open().take(['/a'], patient), true);
  });

  it('may end twice, and before its turn', async () => {
    const { flights } = atGate();
    const first = flights.open();
    first.end();
    const second = flights.open();
    await second.take(['/a'], patient);
    second.end();
    const third = flights.open();
    await third.take(['/a'], patient);
    second.end();
    const turn = flights.open().take(['/a'], AbortSignal.abort());
    assert.equal(await turn, false, 'the third is still under way');
  });
});

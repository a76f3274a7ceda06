import { expect, test, vi } from "vitest";

import { onDemand } from "./onDemand";
import type { Listener, Transport } from "./transport";

const SUBSCRIBED = { id: "sha256:e", variables: {} };

function listening() {
  return { opened: vi.fn(), next: vi.fn(), ended: vi.fn(), refused: vi.fn() } satisfies Listener;
}

function fake() {
  const stop = vi.fn();
  const transport = { open: vi.fn(() => stop), close: vi.fn() } satisfies Transport;
  return { transport, stop };
}

test("a transport is loaded when something is followed, and once", async () => {
  const { transport } = fake();
  const load = vi.fn(async () => transport);
  const demanded = onDemand(load);
  expect(load).not.toHaveBeenCalled();
  const [one, other] = [listening(), listening()];
  demanded.open(SUBSCRIBED, one);
  demanded.open(SUBSCRIBED, other);
  await vi.waitFor(() => expect(transport.open).toHaveBeenCalledTimes(2));
  expect(transport.open.mock.calls).toEqual([
    [SUBSCRIBED, one],
    [SUBSCRIBED, other],
  ]);
  expect(load).toHaveBeenCalledTimes(1);
});

test("a stream that is stopped is stopped in the transport too", async () => {
  const { transport, stop } = fake();
  const end = onDemand(async () => transport).open(SUBSCRIBED, listening());
  await vi.waitFor(() => expect(transport.open).toHaveBeenCalled());
  end();
  expect(stop).toHaveBeenCalledTimes(1);
});

test("a stream that is stopped before the transport is loaded is never opened", async () => {
  const { transport } = fake();
  const demanded = onDemand(async () => transport);
  demanded.open(SUBSCRIBED, listening())();
  demanded.open(SUBSCRIBED, listening());
  await vi.waitFor(() => expect(transport.open).toHaveBeenCalled());
  expect(transport.open).toHaveBeenCalledTimes(1);
});

test("a stream whose transport can't be loaded has ended, and the next one loads it", async () => {
  const { transport } = fake();
  const load = vi.fn(async (): Promise<Transport> => transport);
  load.mockRejectedValueOnce(new Error("no network"));
  const demanded = onDemand(load);
  const [first, second] = [listening(), listening()];
  demanded.open(SUBSCRIBED, first);
  await vi.waitFor(() => expect(first.ended).toHaveBeenCalledTimes(1));
  demanded.open(SUBSCRIBED, second);
  await vi.waitFor(() => expect(transport.open).toHaveBeenCalledTimes(1));
  expect(second.ended).not.toHaveBeenCalled();
});

test("closing ends a transport that is still being loaded", async () => {
  const { transport } = fake();
  const demanded = onDemand(async () => transport);
  demanded.open(SUBSCRIBED, listening());
  demanded.close();
  await vi.waitFor(() => expect(transport.close).toHaveBeenCalledTimes(1));
});

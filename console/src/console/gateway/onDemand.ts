import type { Transport } from "./transport";

/** A transport that `load` loads when the first stream is opened. */
export function onDemand(load: () => Promise<Transport>): Transport {
  let loading: Promise<Transport> | undefined;

  return {
    open(subscribed, listener) {
      let isStopped = false;
      let stop: (() => void) | undefined;
      loading ??= load();
      loading.then(
        (transport) => {
          if (!isStopped) stop = transport.open(subscribed, listener);
        },
        () => {
          // The network may have failed, and it is tried again as when it fails later.
          loading = undefined;
          if (!isStopped) listener.ended();
        },
      );
      return () => {
        isStopped = true;
        stop?.();
      };
    },
    close() {
      loading?.then(
        (transport) => transport.close(),
        () => undefined,
      );
    },
  };
}

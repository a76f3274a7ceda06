// What a case works with: clients of the package graphql-ws, and a proxy that can lose connections.

import net from 'node:net';

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const LONGEST_WAIT = 30_000;

/** Waits for a promise, but not forever. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come`)), LONGEST_WAIT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A list to which one side adds, while the other waits for what comes next. */
class Inbox {
  all = [];
  #read = 0;
  #waiting = [];

  add(item) {
    this.all.push(item);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The next item that was not read and that fits; others before it are passed over. */
  async next(what, fits = () => true) {
    for (;;) {
      while (this.#read < this.all.length) {
        const item = this.all[this.#read++];
        if (fits(item)) return item;
      }
      await within(new Promise((resolve) => this.#waiting.push(resolve)), what);
    }
  }
}

/** A WebSocket of the client, which may ask for other subprotocols than it is told to. */
function socketClass(protocols) {
  if (protocols === undefined) return WebSocket;
  return class extends WebSocket {
    constructor(url) {
      super(url, protocols);
    }
  };
}

/** A client, and everything that it saw. */
export class Session {
  messages = new Inbox();
  closes = new Inbox();
  connections = new Inbox();
  pings = new Inbox();
  pongs = new Inbox();
  #ids = [];

  constructor(subject, { protocols, onOpened, onConnected, ...more }) {
    this.client = createClient({
      url: subject.url,
      connectionParams: subject.connectionParams,
      webSocketImpl: socketClass(protocols),
      retryAttempts: 0,
      retryWait: () => Promise.resolve(),
      onNonLazyError: () => {},
      generateID: () => this.#ids.shift() ?? crypto.randomUUID(),
      ...more,
      on: {
        opened: (socket) => {
          this.socket = socket;
          onOpened?.(socket);
        },
        connected: (socket, payload) => {
          this.connections.add(payload ?? null);
          onConnected?.(socket);
        },
        message: (message) => this.messages.add(message),
        closed: (event) => this.closes.add(event),
        ping: (received, payload) => this.pings.add({ received, payload }),
        pong: (received, payload) => this.pongs.add({ received, payload }),
      },
    });
  }

  /** Runs an operation, under an id of its own or a given one. */
  subscribe(payload, id) {
    if (id !== undefined) this.#ids.push(id);
    const results = new Inbox();
    let end;
    const ended = new Promise((resolve) => {
      end = resolve;
    });
    const dispose = this.client.subscribe(payload, {
      next: (result) => results.add(result),
      error: (error) => end({ error }),
      complete: () => end({}),
    });
    return {
      results,
      dispose,
      next: () => results.next('a result'),
      ended: () => within(ended, 'the end of the operation'),
    };
  }

  /** Runs an operation to its end; its one result. */
  async run(payload, id) {
    const operation = this.subscribe(payload, id);
    const { error } = await operation.ended();
    if (error) throw new Error(`the operation failed: ${JSON.stringify(error)} ${error.code ?? ''}`);
    return operation.results.all[0];
  }

  /** Sends a message that the client would not send. */
  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  connected() {
    return this.connections.next('the acknowledgement');
  }

  message(fits) {
    return this.messages.next('a message', fits);
  }

  closed() {
    return this.closes.next('the end of the connection');
  }
}

/** Passes connections on to a server, until it is told to lose them. While it holds, what
 * the server sends arrives only when the server has closed the connection. */
export class Proxy {
  isHolding = false;
  #pairs = new Set();

  static async before(url) {
    const target = new URL(url);
    const proxy = new Proxy();
    const server = net.createServer((near) => proxy.#connect(near, target));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy.close = () => {
      server.close();
      proxy.lose();
    };
    const own = new URL(url);
    own.host = `127.0.0.1:${server.address().port}`;
    proxy.url = own.href;
    return proxy;
  }

  #connect(near, target) {
    const far = net.connect(Number(target.port || 80), target.hostname.replace(/[[\]]/g, ''));
    const pair = [near, far];
    this.#pairs.add(pair);
    const held = [];
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => {
      // The handshake is answered; only the frames after it are held back.
      if (this.isHolding && !data.includes('HTTP/1.1 101')) held.push(data);
      else near.write(data);
    });
    far.on('end', () => near.end(Buffer.concat(held)));
    near.on('close', () => {
      this.#pairs.delete(pair);
      far.destroy();
    });
    for (const socket of pair) socket.on('error', () => near.destroy());
  }

  /** Loses all connections, as a network does. */
  lose() {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }
}

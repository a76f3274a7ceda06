// The handshake, the acknowledgement, and pings.

import assert from 'node:assert/strict';

const INIT = { type: 'connection_init' };

export default [
  {
    id: 'C01',
    about: 'a connection with connection_init is acknowledged',
    async run(t) {
      await t.session({ lazy: false }).connected();
    },
  },
  {
    id: 'C02',
    about: 'connection_init may have a payload of any members',
    async run(t) {
      const connectionParams = { ...t.subject.connectionParams, some: { thing: [1] } };
      await t.session({ lazy: false, connectionParams }).connected();
    },
  },
  {
    id: 'C03',
    about: 'a connection without the subprotocol is closed with 4406',
    async run(t) {
      const session = t.session({ lazy: false, protocols: [] });
      assert.equal((await session.closed()).code, 4406);
    },
  },
  {
    id: 'C04',
    about: 'a connection without connection_init is closed with 4408',
    needs: ['initTimeout'],
    async run(t) {
      const connectionParams = () => new Promise(() => {});
      const session = t.session({ lazy: false, connectionParams });
      assert.equal((await session.closed()).code, 4408);
    },
  },
  {
    id: 'C05',
    about: 'a client that was too late with connection_init connects again and is served',
    needs: ['initTimeout'],
    async run(t) {
      let attempts = 0;
      const connectionParams = () => {
        attempts += 1;
        return attempts === 1 ? new Promise(() => {}) : t.subject.connectionParams;
      };
      const session = t.session({ connectionParams, retryAttempts: 1 });
      assert.ok(await session.run(t.subject.query));
      assert.equal(session.closes.all[0].code, 4408);
    },
  },
  {
    id: 'C06',
    about: 'a second connection_init is closed with 4429',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      session.send(INIT);
      assert.equal((await session.closed()).code, 4429);
    },
  },
  {
    id: 'C07',
    about: 'a second connection_init is closed with 4429 while the first one is being answered',
    async run(t) {
      const init = { ...INIT, payload: t.subject.connectionParams };
      const session = t.session({
        lazy: false,
        onOpened: (socket) => socket.send(JSON.stringify(init)),
      });
      assert.equal((await session.closed()).code, 4429);
    },
  },
  {
    id: 'C08',
    about: 'a client that is refused is closed with 4403',
    needs: ['refusedParams'],
    async run(t) {
      const session = t.session({
        lazy: false,
        connectionParams: t.subject.refusedParams,
      });
      assert.equal((await session.closed()).code, 4403);
      assert.equal(session.connections.all.length, 0);
    },
  },
  {
    id: 'C09',
    about: 'a client that was refused connects again with other parameters and is served',
    needs: ['refusedParams'],
    async run(t) {
      let attempts = 0;
      const connectionParams = () => {
        attempts += 1;
        return attempts === 1 ? t.subject.refusedParams : t.subject.connectionParams;
      };
      const session = t.session({ connectionParams, retryAttempts: 1 });
      assert.ok(await session.run(t.subject.query));
      assert.equal(session.closes.all[0].code, 4403);
    },
  },
  {
    id: 'C10',
    about: 'an operation before connection_init is closed with 4401',
    async run(t) {
      const subscribe = { id: '1', type: 'subscribe', payload: t.subject.query };
      const session = t.session({
        lazy: false,
        onOpened: (socket) => socket.send(JSON.stringify(subscribe)),
      });
      assert.equal((await session.closed()).code, 4401);
    },
  },
  {
    id: 'C11',
    about: 'a ping is answered with a pong',
    async run(t) {
      const session = t.session({ lazy: false, keepAlive: 20 });
      await session.pongs.next('a pong', ({ received }) => received);
    },
  },
  {
    id: 'C12',
    about: 'a pong has the payload of its ping',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      session.send({ type: 'ping', payload: { some: { thing: [1] } } });
      const { payload } = await session.pongs.next('a pong', ({ received }) => received);
      assert.deepEqual(payload, { some: { thing: [1] } });
    },
  },
  {
    id: 'C13',
    about: 'a ping is answered before the acknowledgement too',
    async run(t) {
      const session = t.session({
        lazy: false,
        onOpened: (socket) => socket.send(JSON.stringify({ type: 'ping' })),
      });
      await session.message(({ type }) => type === 'pong');
      await session.connected();
    },
  },
  {
    id: 'C14',
    about: 'a pong that nobody asked for is ignored, with a payload and without',
    async run(t) {
      const session = t.session();
      session.subscribe(t.subject.query);
      await session.connected();
      session.send({ type: 'pong' });
      session.send({ type: 'pong', payload: { some: 'thing' } });
      assert.ok(await session.run(t.subject.query));
    },
  },
  {
    id: 'C15',
    about: 'an acknowledgement that comes too late for the client is closed with 4504 by it',
    async run(t) {
      const proxy = await t.proxy();
      proxy.isHolding = true;
      const session = t.session({
        lazy: false,
        server: { url: proxy.url },
        connectionAckWaitTimeout: 200,
      });
      assert.equal((await session.closed()).code, 4504);
    },
  },
  {
    id: 'C16',
    about: 'a client that leaves with 1000 is answered with 1000',
    async run(t) {
      const session = t.session({ lazy: false });
      await session.connected();
      session.client.dispose();
      const { code, wasClean } = await session.closed();
      assert.deepEqual([code, wasClean], [1000, true]);
    },
  },
];

// The protocol graphql-transport-ws, case by case, with the client of the package graphql-ws:
// node cases.mjs SUBJECT.json [ID...], see README.md.
import { readFile } from 'node:fs/promises';

import { runTable, skip } from '../table.mjs';
import connection from './cases/connection.mjs';
import endings from './cases/endings.mjs';
import messages from './cases/messages.mjs';
import operations from './cases/operations.mjs';
import subscriptions from './cases/subscriptions.mjs';
import { Proxy, Session } from './harness.mjs';

const CASES = [...connection, ...messages, ...operations, ...subscriptions, ...endings];

let triggered = 0;

/** What a case works with; all of it ends with the case. */
function toolsFor(subject, release) {
  return {
    subject,
    session(more = {}) {
      const session = new Session({ ...subject, ...more.server }, more);
      release.push(() => session.client.dispose());
      return session;
    },
    async proxy() {
      const proxy = await Proxy.before(subject.url);
      release.push(() => proxy.close());
      return proxy;
    },
    trigger: (session) => session.run(subject.trigger[triggered++ % subject.trigger.length]),
  };
}

const prepared = CASES.map(({ id, about, needs = [], run }) => ({
  id,
  name: about,
  async run(subject) {
    const missing = needs.filter((name) => subject[name] === undefined);
    if (missing.length) skip(`without ${missing.join(', ')}`);
    const release = [];
    try {
      await run(toolsFor(subject, release));
    } finally {
      for (const end of release) end();
    }
  },
}));

const [file, ...chosen] = process.argv.slice(2);
await runTable(prepared, JSON.parse(await readFile(file, 'utf8')), chosen);

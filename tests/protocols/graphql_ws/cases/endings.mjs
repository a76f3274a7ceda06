// Connections that the server ends, for which its operator has to do something.

import assert from 'node:assert/strict';

import { operator } from '../../table.mjs';
import { begun, nextAfterTriggers } from './subscriptions.mjs';

const NEEDS = ['subscription', 'trigger'];

export default [
  {
    id: 'E01',
    about: 'a subscription whose client may no longer read is closed with 4403',
    needs: NEEDS,
    async run(t) {
      const session = t.session();
      const operation = await begun(t, session);
      await operator('revoke');
      assert.equal((await session.closed()).code, 4403);
      const { error } = await operation.ended();
      assert.equal(error.code, 4403);
      await operator('readmit');
      await nextAfterTriggers(t, t.session().subscribe(t.subject.subscription));
    },
  },
  {
    id: 'E02',
    about: 'a server that starts anew closes with 1012, and the client goes on by itself',
    needs: NEEDS,
    async run(t) {
      const session = t.session({
        retryAttempts: 500,
        // By itself the client gives up when a connection is refused.
        shouldRetry: () => true,
        retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
      });
      const operation = await begun(t, session);
      await operator('restart');
      assert.equal((await session.closed()).code, 1012);
      const read = operation.results.all.length;
      await nextAfterTriggers(t, operation);
      assert.ok(operation.results.all.length > read);
    },
  },
  {
    id: 'E03',
    about: 'a position whose events are gone is refused with error, and its code says so',
    needs: [...NEEDS, 'cursor'],
    async run(t) {
      const session = t.session();
      const operation = await begun(t, session);
      const { variable, path, expired } = t.subject.cursor;
      const cursor = path.reduce((value, name) => value[name], operation.first.data);
      await t.trigger(session);
      await operation.next();
      await operator('expire');
      const variables = { ...t.subject.subscription.variables, [variable]: cursor };
      const { error } = await session.subscribe({ ...t.subject.subscription, variables }).ended();
      assert.equal(error[0].extensions.code, expired);
      await t.trigger(session);
      assert.ok((await operation.next()).data);
    },
  },
];

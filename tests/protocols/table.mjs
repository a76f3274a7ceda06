// Runs a table of cases against one server, and prints what came of each as a line of JSON.
//
// A case is `{ id, name, run(subject) }`; `subject` says where the server is and which operations
// it knows, so that any server can be run through a table. What only the server's operator can do
// is asked for in a line of JSON, such as {"do":"restart"}. The operator answers in a line of
// standard input, {"done":true}, with more members where the case needs them; a case whose wish is
// not granted is skipped.
import { createInterface } from 'node:readline';

const PATIENCE_MS = 30_000;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

class Skipped extends Error {}

/** Ask the operator to do something, and return the answer. */
export async function operator(wish, details = {}) {
  print({ do: wish, ...details });
  const { value } = await answers.next();
  const answer = value === undefined ? {} : JSON.parse(value);
  if (!answer.done) throw new Skipped(`the operator can't: ${wish}`);
  return answer;
}

/** Leave a case out, for a reason. */
export function skip(reason) {
  throw new Skipped(reason);
}

/** Fail a case unless something holds. */
export function expect(holds, reason) {
  if (!holds) throw new Error(reason);
}

/** Wait for something that takes a moment. */
export async function until(holds, reason) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    expect(Date.now() < end, reason);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Run the cases, or those whose ids are given. */
export async function runTable(cases, subject, chosen = []) {
  for (const { id, name, run } of cases) {
    if (chosen.length && !chosen.includes(id)) continue;
    print({ id, name, ...(await outcome(run, subject)) });
  }
  process.exit();
}

async function outcome(run, subject) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it takes too long')), 2 * PATIENCE_MS);
  });
  try {
    await Promise.race([run(subject), late]);
    return { status: 'ok' };
  } catch (error) {
    const status = error instanceof Skipped ? 'skipped' : 'failed';
    return { status, reason: error?.message ?? String(error) };
  } finally {
    clearTimeout(timer);
  }
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// Write executions as Flowise does: with its own entities, in the steps of its addExecution and
// updateExecution. Prints the milliseconds that each execution took, and of processor time.
const [packages, count, state, data, workspaceId] = process.argv.slice(2);
const { getDataSource } = require(`${packages}/flowise/dist/DataSource`);
const { Execution } = require(`${packages}/flowise/dist/database/entities/Execution`);

async function write(repository) {
  const made = Object.assign(new Execution(), {
    agentflowId: '00000000-0000-4000-8000-000000000000',
    state: 'INPROGRESS',
    sessionId: 'session',
    workspaceId,
    executionData: '[]',
  });
  const { id } = await repository.save(repository.create(made));
  const found = await repository.findOneBy({ id, workspaceId });
  repository.merge(found, Object.assign(new Execution(), { executionData: data, state }));
  await repository.save(found);
}

async function main() {
  const source = await getDataSource().initialize();
  const repository = source.getRepository(Execution);
  for (let warm = 0; warm < 50; warm++) await write(repository);
  const [began, used] = [process.hrtime.bigint(), process.cpuUsage()];
  for (let number = 0; number < Number(count); number++) await write(repository);
  const spent = process.cpuUsage(used);
  const milliseconds = Number(process.hrtime.bigint() - began) / 1e6;
  console.log(JSON.stringify([milliseconds / count, (spent.user + spent.system) / 1000 / count]));
  process.exit(0);
}

main();

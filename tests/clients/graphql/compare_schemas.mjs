// Prints the changes from one schema to another that break clients, each with its coordinate.
import { readFileSync } from 'node:fs';
import { ChangeType, CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [before, after] = process.argv.slice(2).map((file) => buildSchema(readFileSync(file, 'utf8')));
// Without its default an argument may be required, and with another one it means something else.
const ofDefaults = [
  ChangeType.FieldArgumentDefaultChanged,
  ChangeType.InputFieldDefaultValueChanged,
];
const breaking = (await diff(before, after)).filter(
  ({ criticality, type }) =>
    criticality.level === CriticalityLevel.Breaking || ofDefaults.includes(type),
);
console.log(JSON.stringify(breaking.map(({ message, path }) => ({ message, path }))));

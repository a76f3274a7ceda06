import { STATES, wordOf } from "../design";
import { useFormats } from "../time";
import type { Figures } from "./figures";
import { totalOf } from "./comparison";

/** The figures of the timeline for who can't see it. */
export function TimelineTable({ figures: { bars, inBars } }: { figures: Figures }) {
  const formats = useFormats();
  return (
    <div className="visually-hidden">
      <table>
        <caption>Executions by when they were created, and their states</caption>
        <thead>
          <tr>
            <th scope="col">Created</th>
            <th scope="col">All</th>
            {STATES.map((state) => (
              <th key={state} scope="col">
                {wordOf(state)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {inBars.map((counts, bar) => (
            <tr key={bars.bounds[bar]}>
              <th scope="row">
                {formats.between(bars.bounds[bar] ?? 0, bars.bounds[bar + 1] ?? 0)}
              </th>
              <td>{formats.number(totalOf(counts))}</td>
              {STATES.map((state, index) => (
                <td key={state}>{formats.number(counts[index] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

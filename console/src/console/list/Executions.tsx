import { ActionBar } from "../acting/ActionBar";
import { ViewHeader } from "../design";
import { ExportButton } from "../export/ExportButton";
import { FilterBar } from "../filter/FilterBar";
import { NewRows } from "../live/NewRows";

/** The list of executions that the address asks for. */
export function Executions() {
  return (
    <>
      <ViewHeader title="Executions">
        <ExportButton />
      </ViewHeader>
      <FilterBar />
      <NewRows />
      <ActionBar />
    </>
  );
}

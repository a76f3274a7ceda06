import { go } from "../address";
import { Button, Menu } from "../design";
import { nextOrder, printOrder } from "../list/order";
import { useGrid } from "../list/useList";
import { COLUMNS, orderNameOf } from "./columns";

/** Orders the list where there is no room for the heads of its columns. */
export function OrderMenu() {
  const { order } = useGrid().question;
  const direction = order.isDescending ? "descending" : "ascending";
  const ordering = COLUMNS.find((column) => column.order === order.key);
  const current = ordering ? orderNameOf(ordering) : "Finished";
  return (
    <Menu
      label="Order"
      placement={{ align: "end" }}
      trigger={(attributes) => (
        <Button
          kind="quiet"
          icon={direction}
          aria-label={`Ordered by ${current}, ${direction}`}
          {...attributes}
        >
          {current}
        </Button>
      )}
      items={COLUMNS.flatMap((column) => {
        const key = column.order;
        if (key === null) return [];
        return {
          name: orderNameOf(column),
          isChecked: key === order.key,
          choose: () => go({ order: printOrder(nextOrder(order, key)) }),
        };
      })}
    />
  );
}

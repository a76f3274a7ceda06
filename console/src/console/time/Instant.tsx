import { useFormats } from "./useFormats";

interface Props {
  /** The instant, as the API writes it. */
  at: string;
  /** How it is written: a day and a time, or a time alone. */
  as?: "instant" | "time" | "day";
}

/** An instant in the zone that the page shows; to the millisecond in its title. */
export function Instant({ at, as = "instant" }: Props) {
  const formats = useFormats();
  return (
    <time dateTime={at} title={formats.exactly(at)}>
      {formats[as](at)}
    </time>
  );
}

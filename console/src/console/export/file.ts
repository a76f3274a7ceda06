/** A file that is being written. */
export interface OpenFile {
  write(text: string): Promise<void>;
  /** Finish it: it is then where the reader wants it, or among their downloads. */
  close(): Promise<void>;
  /** Give it up. */
  abort(): Promise<void>;
}

type PickFile = (options: {
  suggestedName: string;
  types: { description: string; accept: Record<string, string[]> }[];
}) => Promise<FileSystemFileHandle>;

/** The name of a file, what it is called, and its media type. */
export interface FileKind {
  name: string;
  description: string;
  type: string;
}

/** How much text becomes part of a Blob, which browsers may keep on disk. */
const PART_LENGTH = 8 * 2 ** 20;

/**
 * Open a file to write into: where the reader says, if the browser can ask, else a download. Null
 * if the reader does not want to. Call it from a click.
 */
export async function openFile({ name, description, type }: FileKind): Promise<OpenFile | null> {
  const pick = (window as { showSaveFilePicker?: PickFile }).showSaveFilePicker;
  if (!pick) return download(name, type);
  try {
    const extension = name.slice(name.lastIndexOf("."));
    const handle = await pick({
      suggestedName: name,
      types: [{ description, accept: { [type]: [extension] } }],
    });
    const stream = await handle.createWritable();
    return {
      write: (text) => stream.write(text),
      close: () => stream.close(),
      abort: () => stream.abort(),
    };
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    // Some browsers have the function, and forbid it, as in a frame.
    return download(name, type);
  }
}

/** A file among the downloads, once it is complete. */
function download(name: string, type: string): OpenFile {
  let blobs: Blob[] = [];
  let texts: string[] = [];
  let length = 0;

  function flush() {
    blobs.push(new Blob(texts, { type }));
    texts = [];
    length = 0;
  }

  return {
    async write(text) {
      texts.push(text);
      length += text.length;
      if (length >= PART_LENGTH) flush();
    },
    async close() {
      flush();
      const url = URL.createObjectURL(new Blob(blobs, { type }));
      const link = document.createElement("a");
      link.href = url;
      link.download = name;
      link.click();
      blobs = [];
      // The browser has it by then.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
    async abort() {
      blobs = [];
      texts = [];
    },
  };
}

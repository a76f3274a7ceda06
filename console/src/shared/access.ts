/** Why a server did not do what it was asked for, in words for a person. */
export interface Refusal {
  /** Whether another key can help, because this one is missing or opens nothing. */
  needsKey: boolean;
  title: string;
  detail: string;
}

interface GraphQLErrors {
  errors?: readonly { message: string; extensions?: { code?: unknown } }[];
}

/** The refusal that an answer is; null when it is none. */
export function refusalIn(status: number, body: unknown, hasKey: boolean): Refusal | null {
  const errors = (body as GraphQLErrors | null)?.errors ?? [];
  const refused = errors.find(({ extensions }) => CODES.has(extensions?.code));
  // Headers are too long for a server only by what is entered as a key.
  const isTooLong = status === 431 && hasKey;
  if (status === 401 || isTooLong || refused?.extensions?.code === "UNAUTHENTICATED") {
    return unauthenticated(refused?.message, hasKey);
  }
  if (status === 403 || refused) {
    return {
      needsKey: false,
      title: "Your key may not do this.",
      detail: `${sentence(refused?.message)}Ask whoever runs the gateway for a key that may, and enter it here.`,
    };
  }
  return null;
}

/** The refusal of a client that shows no key, or one that opens nothing. */
export function unauthenticated(message: string | undefined, hasKey: boolean): Refusal {
  return hasKey
    ? { needsKey: true, title: "The gateway does not take this key.", detail: sentence(message) }
    : {
        needsKey: true,
        title: "This gateway needs a key.",
        detail: "Whoever runs it makes one with: executions-gateway keys create NAME --scope read",
      };
}

const CODES = new Set<unknown>(["UNAUTHENTICATED", "FORBIDDEN"]);

function sentence(message: string | undefined): string {
  return message ? `${message}. ` : "";
}

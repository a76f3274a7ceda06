import { createContext, Fragment, type ReactNode, use, useEffect, useMemo, useState } from "react";
import { Provider } from "urql";

import { keepKey, readKey } from "../../shared/key";
import { connect, type Gateway } from "./client";

/** The key of this tab, and what becomes of it. */
export interface Access {
  hasKey: boolean;
  /** Use another key from now on, until the tab is closed. */
  enter(key: string): void;
  forget(): void;
}

interface Connected {
  gateway: Gateway;
  access: Access;
}

const Context = createContext<Connected | null>(null);

/** Connects what is in it with the gateway, with the key of this tab. */
export function GatewayProvider({ children }: { children: ReactNode }) {
  const [{ key, count }, setKey] = useState(() => ({ key: readKey(), count: 0 }));
  const gateway = useMemo(() => connect(key), [key]);
  useEffect(() => () => gateway.close(), [gateway]);

  const connected = useMemo(() => {
    function change(next: string | null) {
      keepKey(next);
      setKey((before) => ({ key: next, count: before.count + 1 }));
    }
    return {
      gateway,
      access: { hasKey: key !== null, enter: change, forget: () => change(null) },
    };
  }, [gateway, key]);

  return (
    <Context value={connected}>
      <Provider value={gateway.client}>
        {/* What was shown with another key is not shown with this one, not for a moment. */}
        <Fragment key={count}>{children}</Fragment>
      </Provider>
    </Context>
  );
}

function useConnected(): Connected {
  const connected = use(Context);
  if (!connected) throw new Error("This must be inside a GatewayProvider");
  return connected;
}

/** The gateway: to ask it imperatively, and to follow changes. */
export function useGateway(): Gateway {
  return useConnected().gateway;
}

/** The key of this tab. */
export function useAccess(): Access {
  return useConnected().access;
}

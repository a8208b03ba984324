/** The page. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { bindQueryClient, PulseProvider } from "pulse-radar/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { bindings } from "./api/bindings.js";
import { App } from "./app.js";
import { client } from "./live/client.js";
import { KnownProvider } from "./live/known.js";
import { restore } from "./parts/scheme.js";
import "./style.css";

restore();

// What events have not made stale is fresh.
const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY, retry: 1 } } });
bindQueryClient(client, queries, bindings);

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <PulseProvider client={client}>
        <QueryClientProvider client={queries}>
          <KnownProvider>
            <App />
          </KnownProvider>
        </QueryClientProvider>
      </PulseProvider>
    </StrictMode>,
  );

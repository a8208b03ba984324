/** The frame: where one is, where one can go, and how the connection is. */

import {
  Activity,
  Bot,
  Cable,
  FileInput,
  LayoutDashboard,
  Lightbulb,
  ListChecks,
  type LucideIcon,
  Menu,
  Plug,
  Radio,
} from "lucide-react";
import { type ComponentType, lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { ConnectionState, Notices, SchemeButton, WireSwitch } from "./frame.js";
import { Button } from "./parts/basics.js";
import { classes } from "./parts/classes.js";
import { Guard } from "./parts/guard.js";
import { Sheet } from "./parts/sheet.js";
import { Overview } from "./screens/overview.js";

interface Screen {
  readonly path: string;
  readonly name: string;
  readonly icon: LucideIcon;
  readonly show: ComponentType;
}

const SCREENS: readonly Screen[] = [
  { path: "/", name: "Overview", icon: LayoutDashboard, show: Overview },
  { path: "/ingestion", name: "Ingestion", icon: FileInput, show: lazy(() => import("./screens/ingestion.js")) },
  { path: "/knowledge", name: "Knowledge", icon: Lightbulb, show: lazy(() => import("./screens/knowledge.js")) },
  { path: "/jobs", name: "Jobs", icon: Activity, show: lazy(() => import("./screens/jobs.js")) },
  { path: "/tasks", name: "Tasks", icon: ListChecks, show: lazy(() => import("./screens/tasks.js")) },
  { path: "/agents", name: "Agents", icon: Bot, show: lazy(() => import("./screens/agents.js")) },
  { path: "/providers", name: "Providers", icon: Plug, show: lazy(() => import("./screens/providers.js")) },
  { path: "/events", name: "Events", icon: Radio, show: lazy(() => import("./screens/events.js")) },
  { path: "/connections", name: "Connections", icon: Cable, show: lazy(() => import("./screens/connections.js")) },
];

export const App = () => (
  // In the fragment, so that no address of a screen is one of the API's.
  <Router hook={useHashLocation}>
    <Frame />
  </Router>
);

function Frame() {
  const [path] = useLocation();
  const [isMenuOpen, openMenu] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const screen = SCREENS.find((each) => each.path === path);
  const name = screen?.name ?? "Not found";

  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${name} · Pulse Radar`;
    openMenu(false);
    // Whoever cannot see that the screen is another one is told so.
    if (!isFirst.current) heading.current?.focus();
    isFirst.current = false;
  }, [name]);

  return (
    <div className="lg:grid lg:grid-cols-[14rem_minmax(0,1fr)]">
      <button
        type="button"
        onClick={() => heading.current?.focus()}
        className="sr-only focus:not-sr-only focus:fixed focus:top-3 focus:left-3 focus:z-50 focus:rounded-lg focus:bg-raised focus:px-4 focus:py-2"
      >
        Skip to the content
      </button>
      <aside className="sticky top-0 hidden h-dvh flex-col gap-6 border-line border-r bg-card px-3 py-5 lg:flex">
        <Brand />
        <Navigation path={path} />
      </aside>
      <Sheet title="Pulse Radar" isOpen={isMenuOpen} onClose={() => openMenu(false)} isMenu>
        <Navigation path={path} />
      </Sheet>
      <div className="min-w-0">
        <header className="sticky top-0 z-30 flex h-14 items-center gap-2 border-line border-b bg-ground/85 px-3 backdrop-blur sm:gap-3 sm:px-6">
          <Button variant="quiet" icon={Menu} aria-label="Menu" className="lg:hidden" onClick={() => openMenu(true)} />
          <h1
            ref={heading}
            tabIndex={-1}
            className="min-w-0 grow truncate rounded font-semibold text-lg tracking-tight outline-none"
          >
            {name}
          </h1>
          <WireSwitch />
          <ConnectionState />
          <SchemeButton />
        </header>
        <main className="mx-auto flex max-w-7xl flex-col gap-4 p-3 sm:gap-5 sm:p-6">
          <Guard key={path}>
            <Suspense fallback={<div className="h-96" />}>
              <Switch>
                {SCREENS.map(({ path: at, show }) => (
                  <Route key={at} path={at} component={show} />
                ))}
                <Route>
                  <p>
                    There is no such screen.{" "}
                    <Link href="/" className="text-mark underline">
                      To the overview
                    </Link>
                  </p>
                </Route>
              </Switch>
            </Suspense>
          </Guard>
        </main>
      </div>
      <Notices />
    </div>
  );
}

const Brand = () => (
  <div className="flex items-center gap-2.5 px-3">
    <img src="./radar.svg" alt="" className="size-6" />
    <span className="font-semibold tracking-tight">Pulse Radar</span>
  </div>
);

const Navigation = ({ path }: { path: string }) => (
  <nav aria-label="Screens">
    <ul className="flex flex-col gap-0.5">
      {SCREENS.map(({ path: at, name, icon: Icon }) => (
        <li key={at}>
          <Link
            href={at}
            aria-current={at === path ? "page" : undefined}
            className={classes(
              "flex h-9 items-center gap-3 rounded-lg px-3 font-medium transition-colors",
              at === path ? "bg-sunken text-mark" : "text-quiet hover:bg-sunken hover:text-ink",
            )}
          >
            <Icon aria-hidden="true" className="size-4" />
            {name}
          </Link>
        </li>
      ))}
    </ul>
  </nav>
);

import { Suspense } from "react";
import {
  ChartSpline,
  ClipboardCheck,
  Network,
  PackageCheck,
  Radio,
  Route as RouteIcon,
} from "lucide-react";
import { Route, Switch } from "wouter";
import { AreaNavigation } from "../app/pages/area-navigation.tsx";
import { lazyPage } from "../app/pages/lazy-page.ts";
import { NotFound } from "../app/pages/not-found.tsx";
import { PageSkeleton } from "../app/pages/page-skeleton.tsx";
import { operationsTexts } from "../texts/operations.ts";

const MapPage = lazyPage(() => import("./map/map-page.tsx"));
const ChartsPage = lazyPage(() => import("./charts/charts-page.tsx"));
const EventsPage = lazyPage(() => import("./events/events-page.tsx"));
const DeadLettersPage = lazyPage(() => import("./events/dead-letters-page.tsx"));
const ReservationsPage = lazyPage(() => import("./stock/reservations-page.tsx"));
const AuditPage = lazyPage(() => import("./stock/audit-page.tsx"));
const TraceSearchPage = lazyPage(() => import("./trace/trace-search-page.tsx"));
const TracePage = lazyPage(() => import("./trace/trace-page.tsx"));

const base = "/operations";
const links = [
  { href: base, text: operationsTexts.map, icon: Network },
  { href: `${base}/charts`, text: operationsTexts.charts, icon: ChartSpline },
  { href: `${base}/events`, text: operationsTexts.events, icon: Radio },
  { href: `${base}/reservations`, text: operationsTexts.reservations, icon: PackageCheck },
  { href: `${base}/audit`, text: operationsTexts.audit, icon: ClipboardCheck },
  { href: `${base}/trace`, text: operationsTexts.trace, icon: RouteIcon },
];

/** The navigation of the pages below Operations, and the page of the current path. */
export default function OperationsPage() {
  return (
    <>
      <AreaNavigation label={operationsTexts.navigation} links={links} />
      <Suspense fallback={<PageSkeleton />}>
        <Switch>
          <Route path={base} component={MapPage} />
          <Route path={`${base}/charts`} component={ChartsPage} />
          <Route path={`${base}/events`} component={EventsPage} />
          <Route path={`${base}/events/:consumer`}>
            {({ consumer }) => <DeadLettersPage key={consumer} consumer={consumer} />}
          </Route>
          <Route path={`${base}/reservations`} component={ReservationsPage} />
          <Route path={`${base}/audit`} component={AuditPage} />
          <Route path={`${base}/trace`} component={TraceSearchPage} />
          <Route path={`${base}/trace/:id`}>{({ id }) => <TracePage key={id} id={id} />}</Route>
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Suspense>
    </>
  );
}

import { Suspense } from "react";
import { Route, Switch, useLocation } from "wouter";
import { RequireSession } from "../session/require-session.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";
import { lazyPage } from "./pages/lazy-page.ts";
import { NotFound } from "./pages/not-found.tsx";
import { PageSkeleton } from "./pages/page-skeleton.tsx";
import { Shell } from "./shell.tsx";

// Each page is a file of its own, which the browser loads when it is opened first.
const CataloguePage = lazyPage(() => import("../catalogue/catalogue-page.tsx"));
const ProductPage = lazyPage(() => import("../catalogue/product-page.tsx"));
const BasketPage = lazyPage(() => import("../basket/basket-page.tsx"));
const OrdersPage = lazyPage(() => import("../orders/orders-page.tsx"));
const OrderPage = lazyPage(() => import("../orders/order-page.tsx"));
const AccountPage = lazyPage(() => import("../account/account-page.tsx"));
const AdminArea = lazyPage(() => import("../admin/admin-area.tsx"));
const SignInPage = lazyPage(() => import("../account/sign-in-page.tsx"));
const RegisterPage = lazyPage(() => import("../account/register-page.tsx"));
const ResetPasswordPage = lazyPage(() => import("../account/reset-password-page.tsx"));
const OperationsPage = lazyPage(() => import("../operations/operations-page.tsx"));

/** The console: the frame, and the page of the current path. */
export function App() {
  const [path] = useLocation();
  return (
    <Shell>
      <ErrorBoundary path={path}>
        <Suspense fallback={<PageSkeleton isWithNavigation />}>
          <Switch>
            <Route path="/" component={CataloguePage} />
            <Route path="/products/:id">{({ id }) => <ProductPage key={id} id={id} />}</Route>
            <Route path="/basket" component={BasketPage} />
            <Route path="/orders">
              <RequireSession>
                <OrdersPage />
              </RequireSession>
            </Route>
            <Route path="/orders/:id">
              {({ id }) => (
                <RequireSession>
                  <OrderPage key={id} id={id} />
                </RequireSession>
              )}
            </Route>
            <Route path="/account">
              <RequireSession>
                <AccountPage />
              </RequireSession>
            </Route>
            <Route path="/operations/*?">
              <RequireSession role="operating-admin">
                <OperationsPage />
              </RequireSession>
            </Route>
            <Route path="/admin/*?">
              <RequireSession role="admin">
                <AdminArea />
              </RequireSession>
            </Route>
            <Route path="/sign-in" component={SignInPage} />
            <Route path="/register" component={RegisterPage} />
            <Route path="/reset-password" component={ResetPasswordPage} />
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}

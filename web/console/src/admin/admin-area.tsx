import { lazy } from "react";
import { Route, Switch } from "wouter";
import { NotFound } from "../app/not-found.tsx";

const OverviewPage = lazy(() => import("./overview/overview-page.tsx"));
const ProductsPage = lazy(() => import("./products/products-page.tsx"));
const NewProductPage = lazy(() => import("./products/new-product-page.tsx"));
const ProductPage = lazy(() => import("./products/product-page.tsx"));
const ImportPage = lazy(() => import("./import/import-page.tsx"));
const OrdersPage = lazy(() => import("./orders/orders-page.tsx"));
const OrderPage = lazy(() => import("./orders/order-page.tsx"));
const UsersPage = lazy(() => import("./users/users-page.tsx"));
const UserPage = lazy(() => import("./users/user-page.tsx"));
const WebhooksPage = lazy(() => import("./webhooks/webhooks-page.tsx"));
const WebhookPage = lazy(() => import("./webhooks/webhook-page.tsx"));
const AuditPage = lazy(() => import("./audit/audit-page.tsx"));

/** The pages of admins. */
export default function AdminArea() {
  return (
    <Switch>
      <Route path="/admin" component={OverviewPage} />
      <Route path="/admin/products" component={ProductsPage} />
      <Route path="/admin/products/new" component={NewProductPage} />
      <Route path="/admin/products/import" component={ImportPage} />
      <Route path="/admin/products/:id">{({ id }) => <ProductPage key={id} id={id} />}</Route>
      <Route path="/admin/orders" component={OrdersPage} />
      <Route path="/admin/orders/:id">{({ id }) => <OrderPage key={id} id={id} />}</Route>
      <Route path="/admin/users" component={UsersPage} />
      <Route path="/admin/users/:id">{({ id }) => <UserPage key={id} id={id} />}</Route>
      <Route path="/admin/webhooks" component={WebhooksPage} />
      <Route path="/admin/webhooks/:id">{({ id }) => <WebhookPage key={id} id={id} />}</Route>
      <Route path="/admin/audit" component={AuditPage} />
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

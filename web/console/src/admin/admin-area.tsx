import { Route, Switch } from "wouter";
import { lazyPage } from "../app/pages/lazy-page.ts";
import { NotFound } from "../app/pages/not-found.tsx";

const OverviewPage = lazyPage(() => import("./overview/overview-page.tsx"));
const ProductsPage = lazyPage(() => import("./products/products-page.tsx"));
const NewProductPage = lazyPage(() => import("./products/new-product-page.tsx"));
const ProductPage = lazyPage(() => import("./products/product-page.tsx"));
const ImportPage = lazyPage(() => import("./import/import-page.tsx"));
const OrdersPage = lazyPage(() => import("./orders/orders-page.tsx"));
const OrderPage = lazyPage(() => import("./orders/order-page.tsx"));
const PackingPage = lazyPage(() => import("./orders/packing/packing-page.tsx"));
const UsersPage = lazyPage(() => import("./users/users-page.tsx"));
const UserPage = lazyPage(() => import("./users/user-page.tsx"));
const WebhooksPage = lazyPage(() => import("./webhooks/webhooks-page.tsx"));
const WebhookPage = lazyPage(() => import("./webhooks/webhook-page.tsx"));
const AuditPage = lazyPage(() => import("./audit/audit-page.tsx"));

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
      <Route path="/admin/orders/packing" component={PackingPage} />
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

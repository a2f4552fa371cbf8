import { useShopMutation, useShopQuery } from "../api/use-shop.ts";
import { accountTexts } from "../texts/account.ts";
import { errorText } from "../api/error-text.ts";
import { Button } from "../ui/actions/button.tsx";
import { Card } from "../ui/card.tsx";
import { formatTime } from "../ui/format.ts";
import { Badge, Notice, QueryState } from "../ui/states.tsx";
import { Table, type Column } from "../ui/lists/table.tsx";
import { showToast } from "../ui/toast.tsx";
import { EndSessionDocument, MySessionsDocument, type MySessionsQuery } from "./account.graphql.ts";
import styles from "./account.module.css";
import { clientNameOf } from "./client-name.ts";
import { SignOutEverywhere } from "./sign-out-everywhere.tsx";

type OpenSession = MySessionsQuery["sessions"][number];

const columns: readonly Column<OpenSession>[] = [
  { title: accountTexts.client, cell: ({ userAgent }) => <Client userAgent={userAgent} /> },
  { title: accountTexts.signedInAt, cell: ({ createdAt }) => formatTime(createdAt) },
  { title: accountTexts.lastUsed, cell: ({ lastUsedAt }) => formatTime(lastUsedAt) },
  {
    title: accountTexts.address,
    cell: ({ address }) => <Address address={address} />,
  },
];

/** The browser in plain words, with its own text as a tooltip. */
function Client({ userAgent }: Pick<OpenSession, "userAgent">) {
  if (userAgent === null) return accountTexts.unknownClient;
  const { browser, system } = clientNameOf(userAgent);
  const isWhole = browser !== undefined && system !== undefined;
  const name = isWhole ? accountTexts.clientOn(browser, system) : (browser ?? system);
  return <span title={userAgent}>{name ?? accountTexts.unknownClient}</span>;
}

/** An address of IPv6 can be too long for one line. */
function Address({ address }: Pick<OpenSession, "address">) {
  if (address === null) return accountTexts.unknownAddress;
  return <span className={address.includes(":") ? undefined : styles.whole}>{address}</span>;
}

/** The open sessions of the user, each with a button that ends it. */
export function Sessions() {
  const query = useShopQuery(MySessionsDocument, {});
  const ending = useShopMutation(EndSessionDocument, {
    invalidates: [MySessionsDocument],
    onSuccess() {
      showToast(accountTexts.sessionEnded);
    },
  });
  // The list can say that a session has ended although the answer was lost.
  const endingId = ending.variables?.id;
  const isOpen = query.data?.sessions.some(({ id }) => id === endingId) ?? true;
  const action: Column<OpenSession> = {
    title: accountTexts.action,
    isNumber: true,
    cell: ({ id, createdAt, current }) =>
      current ? (
        <Badge kind="success">{accountTexts.thisSession}</Badge>
      ) : (
        <Button
          isSmall
          aria-label={accountTexts.endSessionOf(formatTime(createdAt))}
          isPending={ending.isPending && endingId === id}
          isDisabled={ending.isPending && endingId !== id}
          onPress={() => {
            ending.mutate({ id });
          }}
        >
          {accountTexts.endSession}
        </Button>
      ),
  };
  return (
    <Card title={accountTexts.sessionsTitle} note={accountTexts.sessionsNote}>
      {ending.error && isOpen && <Notice kind="danger">{errorText(ending.error)}</Notice>}
      {query.data ? (
        <Table
          caption={accountTexts.openSessions}
          columns={[...columns, action]}
          rows={query.data.sessions}
          keyOf={({ id }) => id}
        />
      ) : (
        <QueryState query={query} height={96} />
      )}
      <SignOutEverywhere />
    </Card>
  );
}

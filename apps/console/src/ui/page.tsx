import {
  Breadcrumb,
  BreadcrumbItem,
  EmptyState,
  EmptyStateBody,
  EmptyStateFooter,
  Skeleton,
  Tab,
  Tabs,
  TabTitleText,
  Title,
} from '@patternfly/react-core';
import { type ReactNode, Suspense, useEffect, useRef } from 'react';
import { Link, useNavigate } from 'react-router';
import { useHasRead } from '../fleet/use-fleet';

interface PageProps {
  readonly title: string;
  readonly above?: readonly { readonly title: string; readonly to: string }[];
  /** Beside the title: its state. */
  readonly beside?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, above = [], beside, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} – Argosy`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        {above.length > 0 && (
          <Breadcrumb>
            {above.map(({ title: name, to }) => (
              <BreadcrumbItem
                key={to}
                render={({ className }) => (
                  <Link className={className} to={to}>
                    {name}
                  </Link>
                )}
              />
            ))}
            <BreadcrumbItem isActive>{title}</BreadcrumbItem>
          </Breadcrumb>
        )}
        <div className="page-title">
          <Title headingLevel="h1" size="xl">
            {title}
          </Title>
          {beside}
          <span className="spring" />
          <div className="page-actions">{actions}</div>
        </div>
      </header>
      {children}
    </>
  );
}

export interface PageTab {
  readonly name: string;
  readonly title: string;
  readonly body: ReactNode;
}

const arrowsMs = 400;

interface PageTabsProps {
  /** The address of the page; a tab's own is below it. */
  readonly base: string;
  readonly tabs: readonly PageTab[];
  readonly current: string;
}

/**
 * Each tab has its own address, so back, reload and a link to it work; one that this user has not, or nobody has, is
 * said to be missing.
 */
export function PageTabs({ base, tabs, current }: PageTabsProps) {
  const navigate = useNavigate();
  const chosen = tabs.find(({ name }) => name === current);
  const row = useRef<HTMLDivElement>(null);
  // On a narrow screen the row of tabs is scrolled, and the one that is open may be out of sight.
  useEffect(() => {
    const show = () =>
      row.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
    show();
    // The arrows beside the row come a moment later, and take room from it.
    const timer = setTimeout(show, arrowsMs);
    return () => clearTimeout(timer);
  }, [chosen?.name]);
  return (
    <>
      <div ref={row}>
        <Tabs
          className="page-tabs"
          activeKey={chosen?.name ?? ''}
          onSelect={(_event, name) => void navigate(name === tabs[0]!.name ? base : `${base}/${name}`)}
          aria-label="Parts of this page"
        >
          {tabs.map(({ name, title }) => (
            <Tab key={name} eventKey={name} title={<TabTitleText>{title}</TabTitleText>} tabContentId={`tab-${name}`} />
          ))}
        </Tabs>
      </div>
      <section className="page-body" id={`tab-${current}`} role="tabpanel" aria-label={chosen?.title ?? current}>
        {chosen ? (
          <Suspense fallback={<Waiting />}>{chosen.body}</Suspense>
        ) : (
          <Nothing title={`There is nothing called “${current}” here`} action={<Link to={base}>{tabs[0]!.title}</Link>}>
            The address may be mistyped, or your role may not see it.
          </Nothing>
        )}
      </section>
    </>
  );
}

export const PageBody = ({ children }: { readonly children: ReactNode }) => (
  <section className="page-body">{children}</section>
);

interface NothingProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

/** Of an empty page: what would fill it. */
export function Nothing({ title, children, action }: NothingProps) {
  return (
    <EmptyState titleText={title} headingLevel="h2" variant="sm">
      <EmptyStateBody>{children}</EmptyStateBody>
      {action && <EmptyStateFooter>{action}</EmptyStateFooter>}
    </EmptyState>
  );
}

/** An object that is not there, or not yet read. */
export function Missing({
  what,
  reference,
  to,
}: {
  readonly what: string;
  readonly reference: string;
  readonly to: string;
}) {
  const hasRead = useHasRead();
  if (!hasRead) return <Waiting />;
  return (
    <Nothing title={`There is no ${what} ${reference}`} action={<Link to={to}>All {what}s</Link>}>
      It may have been removed. What happened to it is among the events.
    </Nothing>
  );
}

export function Waiting() {
  return (
    <div className="waiting" aria-busy="true">
      <Skeleton width="40%" screenreaderText="Reading the fleet" />
      <Skeleton width="70%" />
      <Skeleton width="60%" />
    </div>
  );
}

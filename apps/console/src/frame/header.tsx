import { Button, Dropdown, DropdownItem, DropdownList, MenuToggle, NotificationBadge } from '@patternfly/react-core';
import BarsIcon from '@patternfly/react-icons/dist/esm/icons/bars-icon';
import MoonIcon from '@patternfly/react-icons/dist/esm/icons/moon-icon';
import SunIcon from '@patternfly/react-icons/dist/esm/icons/sun-icon';
import UserIcon from '@patternfly/react-icons/dist/esm/icons/user-icon';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { signOut, useSession } from '../api/session';
import { useFeed, useRows } from '../fleet/use-fleet';
import { Search } from './search';
import { chooseTheme, useIsDark } from './theme';

interface HeaderProps {
  readonly isNavigationOpen: boolean;
  readonly toggleNavigation: () => void;
  readonly isAlarmsOpen: boolean;
  readonly toggleAlarms: () => void;
}

export function Header({ isNavigationOpen, toggleNavigation, isAlarmsOpen, toggleAlarms }: HeaderProps) {
  const alarms = [...useRows('alarm').values()].filter(({ clearedAt }) => clearedAt === null);
  const isDark = useIsDark();
  return (
    <header className="header">
      <Button
        variant="plain"
        icon={<BarsIcon />}
        aria-label="Navigation"
        aria-expanded={isNavigationOpen}
        onClick={toggleNavigation}
      />
      <Link className="brand" to="/">
        Argosy
      </Link>
      <Search />
      <span className="spring" />
      <Live />
      <NotificationBadge
        variant={
          alarms.some(({ severity }) => severity === 'error') ? 'attention' : alarms.length > 0 ? 'unread' : 'read'
        }
        count={alarms.length}
        isExpanded={isAlarmsOpen}
        onClick={toggleAlarms}
        aria-label={alarms.length === 1 ? '1 open alarm' : `${alarms.length} open alarms`}
      />
      <Button
        variant="plain"
        icon={isDark ? <SunIcon /> : <MoonIcon />}
        aria-label={isDark ? 'Light colours' : 'Dark colours'}
        onClick={() => chooseTheme(isDark ? 'light' : 'dark')}
      />
      <UserMenu />
    </header>
  );
}

function Live() {
  const { state } = useFeed();
  const title = { live: 'Live', connecting: 'Connecting', lost: 'Connection lost' }[state];
  return (
    <span className={`live is-${state}`} role="status">
      <span className="live-dot" aria-hidden="true" />
      <span className="live-text">{title}</span>
    </span>
  );
}

function UserMenu() {
  const { who } = useSession();
  const navigate = useNavigate();
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: 'right' }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          variant="plainText"
          aria-label={who?.name ?? 'User'}
          isExpanded={isOpen}
          onClick={() => setIsOpen((is) => !is)}
        >
          <UserIcon /> <span className="user-name">{who?.name}</span>
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem isDisabled description={`Role: ${who?.role ?? ''}`}>
          {who?.name}
        </DropdownItem>
        <DropdownItem onClick={() => void navigate('/access')}>Users and tokens</DropdownItem>
        <DropdownItem to="/api" target="_blank">
          Browse the API
        </DropdownItem>
        <DropdownItem onClick={() => signOut()}>Sign out</DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

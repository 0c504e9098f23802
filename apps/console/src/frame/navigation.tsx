import { ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { NavLink } from 'react-router';
import { useState } from 'react';
import { type TreeTurn, treeTurns } from '../fleet/tree';
import { Tree } from './tree';

const pages = [
  ['/', 'Fleet'],
  ['/pools', 'Pools'],
  ['/hosts', 'Hosts'],
  ['/guests', 'Guests'],
  ['/drills', 'Drills'],
  ['/simulations', 'Simulations'],
  ['/events', 'Events'],
  ['/tasks', 'Tasks'],
  ['/datastores', 'Datastores'],
  ['/images', 'Images'],
  ['/access', 'Users and tokens'],
] as const;

export function Navigation() {
  const [turn, setTurn] = useState<TreeTurn>('hosts');
  return (
    <div className="navigation">
      <nav aria-label="Pages">
        <ul>
          {pages.map(([to, title]) => (
            <li key={to}>
              <NavLink to={to} end={to === '/'}>
                {title}
              </NavLink>
            </li>
          ))}
        </ul>
      </nav>
      <nav aria-label="Inventory" className="inventory">
        <ToggleGroup isCompact aria-label="What the inventory is ordered by">
          {treeTurns.map((each) => (
            <ToggleGroupItem key={each} text={`By ${each}`} isSelected={each === turn} onChange={() => setTurn(each)} />
          ))}
        </ToggleGroup>
        <Tree turn={turn} />
      </nav>
    </div>
  );
}

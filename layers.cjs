// The whole policy of who may import whom, a line a layer. dependency-cruiser enforces it (`npm run check`).
//   uses: the other layers that it may import. pure: no package, no Node module, no promise; time and chance come in through ports.
module.exports = {
  domain: { path: 'libs/domain', uses: [], pure: true },
  scheduler: { path: 'libs/scheduler', uses: ['domain'], pure: true },
  control: { path: 'libs/control', uses: ['domain', 'scheduler'], pure: true },
  simulator: { path: 'libs/simulator', uses: ['domain', 'scheduler', 'control'], pure: true },
  machine: { path: 'libs/machine', uses: ['domain'], pure: true },
  contracts: { path: 'libs/contracts', uses: ['domain'], pure: false },
  queue: { path: 'libs/queue', uses: ['domain', 'contracts'], pure: false },
  peer: { path: 'libs/peer', uses: ['domain', 'contracts'], pure: false },
  program: { path: 'libs/program', uses: [], pure: false },
  inventory: { path: 'libs/inventory', uses: ['domain', 'control'], pure: false },
  vmm: { path: 'libs/vmm', uses: ['domain', 'control', 'machine'], pure: false },
  controller: {
    path: 'apps/controller',
    uses: ['domain', 'contracts', 'control', 'inventory', 'queue', 'peer', 'program', 'simulator'],
    pure: false,
  },
  agent: {
    path: 'apps/agent',
    uses: ['domain', 'contracts', 'control', 'queue', 'peer', 'program', 'vmm', 'simulator'],
    pure: false,
  },
  cli: { path: 'apps/cli', uses: ['domain', 'contracts', 'machine', 'simulator'], pure: false },
  console: { path: 'apps/console', uses: ['contracts'], pure: false },
  lab: { path: 'apps/lab', uses: [], pure: false },
};

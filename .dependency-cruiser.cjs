const layers = require('./layers.cjs');

const tests = '\\.spec\\.ts$';
const paths = Object.values(layers).map(({ path }) => `^${path}/`);

function mayUse([name, { path, uses }]) {
  const allowed = [path, ...uses.map((other) => layers[other].path)].map((each) => `^${each}/`);
  return {
    name: `${name}-uses-${uses.join('-') || 'nothing'}`,
    comment: `${path} may import ${uses.length === 0 ? 'no other layer' : uses.join(', ')} and nothing else of ours.`,
    severity: 'error',
    from: { path: `^${path}/`, pathNot: tests },
    to: { path: paths, pathNot: allowed },
  };
}

function isPure([name, { path }]) {
  return {
    name: `${name}-is-pure`,
    comment: `${path} decides and does not act: it imports no package and no Node module.`,
    severity: 'error',
    from: { path: `^${path}/`, pathNot: tests },
    to: { dependencyTypesNot: ['local', 'aliased', 'aliased-tsconfig', 'aliased-tsconfig-paths', 'type-only'] },
  };
}

/** What other layers see of a library: its files at the top, the control's ports, a driver's front, and the simulator's traces, fleets and soaks. */
const openFolders = [
  'libs/control/ports/',
  'libs/vmm/(qemu|embedded)/driver\\.ts',
  'libs/machine/tour/tour\\.ts',
  'libs/simulator/(traces|fleet|soak)/',
];

module.exports = {
  forbidden: [
    ...Object.entries(layers).map(mayUse),
    ...Object.entries(layers)
      .filter(([, { pure }]) => pure)
      .map(isPure),
    {
      name: 'no-cycles',
      comment: 'Whatever needs each other is one thing, or hides a third.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports and that starts nothing is left over.',
      severity: 'error',
      from: { orphan: true, pathNot: [tests, '/main\\.tsx?$', '\\.d\\.ts$', '\\.c?js$', '\\.mjs$', '^libs/domain/'] },
      to: {},
    },
    {
      name: 'no-deep-imports',
      comment: 'A library is used by the files at its top; its folders are its own.',
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/', pathNot: tests },
      to: { path: '^libs/[^/]+/[^/]+/', pathNot: ['^$1/$2/', ...openFolders.map((folder) => `^${folder}`)] },
    },
    {
      name: 'no-tests-in-the-product',
      comment: 'Only tests import tests.',
      severity: 'error',
      from: { pathNot: [tests, '^test/'] },
      to: { path: tests },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'libs/inventory/generated'] },
    exclude: { path: ['^dist/', 'libs/inventory/generated'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json'] },
    reporterOptions: { dot: { collapsePattern: '^(apps|libs)/[^/]+' } },
  },
};

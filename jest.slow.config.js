// The long tests: npm run test:slow.
const fast = require('./jest.config.js');

module.exports = {
  ...fast,
  testMatch: ['**/*.slow.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  testTimeout: 600000,
};

// Starts the app: one stack a strategy, each of which stands alone.
import { App } from 'aws-cdk-lib';
import { AlternatingUsers } from './alternating-users.js';
import { SingleUser } from './single-user.js';

const app = new App();
new SingleUser(app, 'SingleUser');
new AlternatingUsers(app, 'AlternatingUsers');

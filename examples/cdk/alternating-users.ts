// A user of an application who takes turns with a second one, changed by an admin whose password RDS manages.
import { aws_ec2 as ec2, aws_rds as rds, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { attachRotation, EXCLUDED, letIn, vpc } from './turnlock.js';

export class AlternatingUsers extends Stack {
    constructor(scope: Construct, id: string) {
        super(scope, id);
        const database = new rds.DatabaseInstance(this, 'Database', {
            engine: rds.DatabaseInstanceEngine.POSTGRES,
            credentials: rds.Credentials.fromUsername('postgres'),
            manageMasterUserPassword: true,
            databaseName: 'app',
            vpc: vpc(this),
            vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
            storageEncrypted: true,
            deletionProtection: true,
            removalPolicy: RemovalPolicy.SNAPSHOT,
        });
        letIn(database);
        const admin = database.secret;
        if (!admin) throw new Error('a database whose password RDS manages has a secret');
        // For the parameter AdminSecretArns of Turnlock's stack.
        new CfnOutput(this, 'AdminSecretArn', { value: admin.secretArn });

        // `masterSecret` becomes the `masterarn` by which two users take turns. CloudFormation stores a new password when
        // one of these changes, and would not tell the database: leave them for as long as the secret lives.
        const secret = new rds.DatabaseSecret(this, 'Secret', {
            username: 'app',
            masterSecret: admin,
            excludeCharacters: EXCLUDED,
        });
        secret.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
        const attached = secret.attach(database);
        // Nobody makes users in a database here. Deploy, make `app` with the secret's password, then deploy with
        // `--context attach=true`, from then on always.
        if (this.node.tryGetContext('attach') === 'true') attachRotation(attached);
    }
}

// An RDS instance whose first user is rotated by turnlock-postgres.
import { aws_ec2 as ec2, aws_rds as rds, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { attachRotation, EXCLUDED, letIn, vpc } from './turnlock.js';

export class SingleUser extends Stack {
    constructor(scope: Construct, id: string) {
        super(scope, id);
        const secret = new rds.DatabaseSecret(this, 'Secret', {
            username: 'postgres',
            excludeCharacters: EXCLUDED,
            // When these two change, CloudFormation stores a new password. With this it does so in a new secret, and gives
            // it to the database; without, it would write over the password that works.
            replaceOnPasswordCriteriaChanges: true,
        });
        secret.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
        const database = new rds.DatabaseInstance(this, 'Database', {
            engine: rds.DatabaseInstanceEngine.POSTGRES,
            credentials: rds.Credentials.fromSecret(secret),
            databaseName: 'app',
            vpc: vpc(this),
            vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
            storageEncrypted: true,
            deletionProtection: true,
            removalPolicy: RemovalPolicy.SNAPSHOT,
        });
        letIn(database);
        // The secret with the database attached: `secret` itself has no host.
        if (!database.secret) throw new Error('a database with credentials of a secret has one');
        attachRotation(database.secret);
    }
}

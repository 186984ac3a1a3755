// Where Turnlock runs, and how a secret is attached to it.
import {
    aws_ec2 as ec2,
    aws_lambda as lambda,
    aws_rds as rds,
    aws_secretsmanager as secretsmanager,
    Duration,
    Fn,
} from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Letters, digits and -._~ are left, as Turnlock draws them itself. */
export const EXCLUDED = '!"#$%&\'()*+,/:;<=>?@[\\]^`{|}';

/** What cdk.json has under `context`: change it there. */
interface Place {
    stack: string;
    securityGroupId: string;
    vpcId: string;
    availabilityZones: string[];
    isolatedSubnetIds: string[];
    isolatedSubnetRouteTableIds: string[];
}

const place = (scope: Construct): Place => scope.node.getContext('turnlock');

export function vpc(scope: Construct): ec2.IVpc {
    return ec2.Vpc.fromVpcAttributes(scope, 'Vpc', place(scope));
}

/** `addRotationSingleUser` made a group for its own function and let that in; Turnlock's group has to be let in here. */
export function letIn(database: rds.DatabaseInstance): void {
    const { securityGroupId } = place(database);
    // The group's own rules are its stack's business (examples/cloudformation/network.yaml).
    const group = ec2.SecurityGroup.fromSecurityGroupId(database, 'Turnlock', securityGroupId, { mutable: false });
    database.connections.allowDefaultPortFrom(group, 'Turnlock');
}

/**
 * Attaches the function without rotating, for the first of each month from 03:00 to 05:00 UTC.
 *
 * `secret` has to be what `attach` returns: then the schedule comes after the secret has a host. RotationSchedule is the
 * name that `addRotationSingleUser` and `addRotationMultiUser` use, so this replaces theirs in place. Under another name,
 * CloudFormation would make the new schedule and then delete the old one, and with it the rotation of the secret.
 */
export function attachRotation(secret: secretsmanager.ISecret): void {
    const functionArn = Fn.importValue(`${place(secret).stack}-PostgresFunctionArn`);
    const schedule = secret.addRotationSchedule('RotationSchedule', {
        // CDK gives nothing to a function that it did not make: no permission to invoke it, none to its role. All of
        // them are in Turnlock's stack.
        rotationLambda: lambda.Function.fromFunctionAttributes(secret, 'Turnlock', { functionArn }),
        automaticallyAfter: Duration.days(30),
        rotateImmediatelyOnUpdate: false,
    });
    // CDK's own class knows rate(…) alone.
    const resource = schedule.node.defaultChild as secretsmanager.CfnRotationSchedule;
    resource.rotationRules = { scheduleExpression: 'cron(0 3 1 * ? *)', duration: '2h' };
}

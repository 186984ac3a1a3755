//! Whether the deployed roles are enough for every strategy, and have nothing more.

use std::collections::BTreeMap;
use std::fs;

use turnlock_tests::permissions::{ADMIN_SECRETS, KMS_KEY, Role, Way, prove};
use turnlock_tests::{emulator, project};

use crate::account::{Account, NUMBER, STACK};
use crate::check;

/// Each function's name in the stand-in, its name in the stack, and the output that is its ARN.
const FUNCTIONS: [(&str, &str, &str); 3] = [
    ("turnlock-postgres", "postgres", "PostgresFunctionArn"),
    ("turnlock-mysql", "mysql", "MysqlFunctionArn"),
    ("turnlock-api-key", "api-key", "ApiKeyFunctionArn"),
];

/// The parameters that give the roles everything that they can have.
pub(crate) fn parameters() -> [String; 4] {
    let admins = ADMIN_SECRETS
        .map(|name| format!("arn:aws:secretsmanager:us-east-1:{NUMBER}:secret:{name}-*"))
        .join(",");
    [
        format!("AdminSecretArns={admins}"),
        format!("KmsKeyArns={KMS_KEY}"),
        "SubnetIds=subnet-0a1b2c3d".to_owned(),
        "SecurityGroupIds=sg-0a1b2c3d".to_owned(),
    ]
}

/// Prints what fails without each action; whether all rotate with all of them, and something fails without any.
pub(crate) async fn run(account: &Account, outputs: &BTreeMap<String, String>) -> bool {
    println!("The deployed roles, with one action less at a time:\n");
    let roles = FUNCTIONS.map(|(function, name, output)| {
        let policies = account.policies(&format!("{STACK}-{name}"));
        Role::new(function, &outputs[output], &policies)
    });
    let table = prove(&roles, &Way::all().collect::<Vec<_>>()).await;
    let text = table.to_string();
    println!("{text}");
    let objections = table.objections();
    for objection in &objections {
        println!("  {objection}");
    }
    let is_proven = check("the roles are enough, and have nothing more", objections.is_empty());
    let page = fs::read_to_string(project::root().join("docs/permissions.md")).unwrap_or_default();
    let found = emulator::folder().join("permissions.md");
    fs::write(&found, &text).expect("the target folder can be written");
    let is_told = check("docs/permissions.md says so", page.contains(&text));
    if !is_told {
        println!("  what it should have is in {}", found.display());
    }
    println!();
    is_proven && is_told
}

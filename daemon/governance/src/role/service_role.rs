//! Roles that a job function may hand to services of AWS.
//!
//! The tables are those of "AWS managed policies for job functions" in the IAM User Guide. Who assumes each role is in
//! the pages which that one leads to; they are named at each service.

/// A role that the policy of a job function lets a person hand to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRole {
    /// The name that `iam:PassRole` of the policy allows; a `*` at its end stands for anything.
    pub pattern: &'static str,
    /// What the service does with it.
    pub use_case: &'static str,
    /// Who assumes it.
    pub services: &'static [Service],
    /// What it may do.
    pub permissions: Permissions,
}

/// What a service role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// What a managed policy of AWS allows; its name, with the path.
    Managed(&'static str),
    /// There is no managed policy for it: somebody has to write one.
    Own {
        /// What it has to allow.
        what: &'static str,
        /// Where AWS describes it.
        source: &'static str,
    },
}

impl Permissions {
    /// Answers the ARN of the managed policy, where there is one.
    pub fn policy_arn(self, partition: &str) -> Option<String> {
        match self {
            Self::Managed(name) => Some(format!("arn:{partition}:iam::aws:policy/{name}")),
            Self::Own { .. } => None,
        }
    }
}

/// A service that assumes roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// An instance of EC2, through an instance profile ("IAM roles for Amazon EC2").
    Ec2,
    /// A function of Lambda ("Defining Lambda function permissions with an execution role").
    Lambda,
    /// Enhanced Monitoring of RDS (Amazon RDS User Guide, "Setting up and enabling Enhanced Monitoring").
    RdsMonitoring,
    /// Data Pipeline, which is closed to new customers ("IAM Roles for AWS Data Pipeline").
    DataPipeline,
    /// EMR, where Data Pipeline starts clusters (the same page).
    ElasticMapReduce,
}

impl Service {
    /// Answers its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Lambda => "Lambda",
            Self::RdsMonitoring => "RDS Enhanced Monitoring",
            Self::DataPipeline => "Data Pipeline",
            Self::ElasticMapReduce => "EMR",
        }
    }

    /// Answers the name by which a trust policy names it; `None` in the partitions for which AWS publishes none.
    ///
    /// They are the same everywhere but for EMR in China (AWS CDK, `region-info`, `Default.servicePrincipal`).
    pub fn principal(self, partition: &str) -> Option<&'static str> {
        match (self, partition) {
            (_, "aws-iso" | "aws-iso-b" | "aws-iso-e" | "aws-iso-f") => None,
            (Self::Ec2, _) => Some("ec2.amazonaws.com"),
            (Self::Lambda, _) => Some("lambda.amazonaws.com"),
            (Self::RdsMonitoring, _) => Some("monitoring.rds.amazonaws.com"),
            (Self::DataPipeline, _) => Some("datapipeline.amazonaws.com"),
            (Self::ElasticMapReduce, "aws-cn") => Some("elasticmapreduce.amazonaws.com.cn"),
            (Self::ElasticMapReduce, _) => Some("elasticmapreduce.amazonaws.com"),
        }
    }
}

impl ServiceRole {
    /// Answers a name that the pattern allows.
    pub fn named(&self, suffix: &str) -> String {
        match self.pattern.strip_suffix('*') {
            Some(beginning) => format!("{beginning}{suffix}"),
            None => self.pattern.to_owned(),
        }
    }

    /// Answers whether it reaches the service in an instance profile.
    pub fn has_instance_profile(&self) -> bool {
        self.services.contains(&Service::Ec2)
    }
}

const MONITOR_DATABASES: ServiceRole = ServiceRole {
    pattern: "rds-monitoring-role",
    use_case: "lets RDS send the metrics of Enhanced Monitoring to CloudWatch Logs",
    services: &[Service::RdsMonitoring],
    permissions: Permissions::Managed("service-role/AmazonRDSEnhancedMonitoringRole"),
};

/// Of the system administrator.
pub(super) const SYSTEM_ADMINISTRATOR: &[ServiceRole] = &[
    ServiceRole {
        pattern: "ecr-sysadmin-*",
        use_case: "lets applications on the EC2 instances of an ECS cluster use ECS",
        services: &[Service::Ec2],
        permissions: Permissions::Managed("service-role/AmazonEC2ContainerServiceforEC2Role"),
    },
    MONITOR_DATABASES,
    ServiceRole {
        pattern: "ec2-sysadmin-*",
        use_case: "lets applications on EC2 instances use resources of AWS",
        services: &[Service::Ec2],
        permissions: Permissions::Own {
            what: "what the applications need, as access to a bucket of S3",
            source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html",
        },
    },
    ServiceRole {
        pattern: "lambda-sysadmin-*",
        use_case: "lets Lambda read streams of DynamoDB and write to CloudWatch Logs",
        services: &[Service::Lambda],
        permissions: Permissions::Managed("service-role/AWSLambdaDynamoDBExecutionRole"),
    },
];

/// Of the database administrator.
pub(super) const DATABASE_ADMINISTRATOR: &[ServiceRole] = &[
    MONITOR_DATABASES,
    ServiceRole {
        pattern: "rdbms-lambda-access",
        use_case: "lets a database on EC2 call functions of Lambda, which watch it or reach other databases",
        services: &[Service::Ec2],
        permissions: Permissions::Managed("AWSLambda_FullAccess"),
    },
    ServiceRole {
        pattern: "lambda_exec_role",
        use_case: "lets Lambda load files from S3 into clusters of Redshift, with tables of DynamoDB",
        services: &[Service::Lambda],
        permissions: Permissions::Own {
            what: "what the loader for Redshift needs",
            source: "https://aws.amazon.com/blogs/big-data/a-zero-administration-amazon-redshift-database-loader",
        },
    },
    ServiceRole {
        pattern: "lambda-dynamodb-*",
        use_case: "lets functions of Lambda be triggers of DynamoDB tables",
        services: &[Service::Lambda],
        permissions: Permissions::Managed("service-role/AWSLambdaDynamoDBExecutionRole"),
    },
    ServiceRole {
        pattern: "lambda-vpc-execution-role",
        use_case: "lets functions of Lambda reach RDS within a VPC",
        services: &[Service::Lambda],
        permissions: Permissions::Managed("service-role/AWSLambdaVPCAccessExecutionRole"),
    },
    ServiceRole {
        pattern: "DataPipelineDefaultRole",
        use_case: "lets Data Pipeline use resources of AWS",
        services: &[Service::DataPipeline, Service::ElasticMapReduce],
        // The managed policy AWSDataPipelineRole is deprecated since October 2022.
        permissions: Permissions::Own {
            what: "what the pipelines need",
            source: "https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-iam-roles.html",
        },
    },
    ServiceRole {
        pattern: "DataPipelineDefaultResourceRole",
        use_case: "lets applications on EC2 instances that Data Pipeline starts use resources of AWS",
        services: &[Service::Ec2],
        permissions: Permissions::Managed("service-role/AmazonEC2RoleforDataPipelineRole"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The resources of `iam:PassRole` in the two policies, without `arn:aws:iam::*:role/`.
    #[test]
    fn the_names_are_those_that_the_policies_let_pass() {
        let patterns = |roles: &[ServiceRole]| {
            let mut patterns: Vec<&str> = roles.iter().map(|role| role.pattern).collect();
            patterns.sort_unstable();
            patterns.join(" ")
        };
        assert_eq!(
            patterns(SYSTEM_ADMINISTRATOR),
            "ec2-sysadmin-* ecr-sysadmin-* lambda-sysadmin-* rds-monitoring-role"
        );
        assert_eq!(
            patterns(DATABASE_ADMINISTRATOR),
            "DataPipelineDefaultResourceRole DataPipelineDefaultRole lambda-dynamodb-* lambda-vpc-execution-role \
             lambda_exec_role rdbms-lambda-access rds-monitoring-role"
        );
    }

    #[test]
    fn a_pattern_takes_a_suffix_and_a_name_does_not() {
        assert_eq!(SYSTEM_ADMINISTRATOR[0].named("team"), "ecr-sysadmin-team");
        assert_eq!(MONITOR_DATABASES.named("team"), "rds-monitoring-role");
    }

    #[test]
    fn emr_has_another_name_in_china_and_isolated_partitions_publish_none() {
        let emr = |partition| Service::ElasticMapReduce.principal(partition);
        assert_eq!(emr("aws"), Some("elasticmapreduce.amazonaws.com"));
        assert_eq!(emr("aws-cn"), Some("elasticmapreduce.amazonaws.com.cn"));
        assert_eq!(Service::Ec2.principal("aws-cn"), Some("ec2.amazonaws.com"));
        assert_eq!(Service::Ec2.principal("aws-iso-e"), None);
    }
}
